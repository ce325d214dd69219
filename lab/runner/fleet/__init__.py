"""A run over many hosts: a scheduler where workers meet, workers that build, a home that records.

dask.distributed brings the connections and TLS. Its tasks are not used: they are pickled code, they
are run again unasked, and one that no worker can run waits in silence. Nor are its workers, which
end with their scheduler. Members answer a few named requests instead, of plain data.
"""

from __future__ import annotations

from importlib.util import find_spec

from lab.model.errors import MissingPrerequisite


def require() -> None:
    """Raise MissingPrerequisite where dask.distributed is not installed."""
    if find_spec("distributed") is None:
        raise MissingPrerequisite(
            "a fleet needs dask.distributed, which is not installed",
            remedy="pip install 'imagelab[fleet]', on every host of the fleet",
        )
