"""Shared-memory stores as serialization families of Dask: large buffers go through a store, only keys over the wire.

A store keeps `family.Store`; `family.register` puts it under the public `register_serialization_family`. Knows Dask and
the stores' own packages, and of the suite only the trial's log.
"""
