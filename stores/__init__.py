"""Shared-memory stores as serialization families of Dask: large buffers go through a store, only keys over the wire.

A store implements `family.Store`; `family.register` registers it by Dask's public `register_serialization_family`. This
package knows Dask and the stores' own packages and, of the suite, only the trial's log.
"""
