"""What each Dask worker loads when it starts (``preload``): the family of the store that is being served.

https://docs.dask.org/en/stable/how-to/customize-initialization.html
"""

from distributed import Worker

from stores.serving import register_from_environment


def dask_setup(worker: Worker) -> None:
    """Dask's hook."""
    register_from_environment()
