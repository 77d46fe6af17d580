"""A script that cannot even be imported."""

raise RuntimeError("broken at import")
