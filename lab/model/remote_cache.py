"""What a fresh machine's layer cache is restored from, and what that cost in one build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, get_args

from lab.model.json_fields import known, typed

Strategy = Literal[
    "none",
    "warm-disk",
    "inline",
    "stage-images",
    "registry-min",
    "registry-max",
    "local",
    "podman-registry",
]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
AXIS = "cache"

# What the registry is like when fresh engines come to it: `well`, or what befalls registries.
Day = Literal["well", "absent", "slow", "refusing", "full", "gone", "damaged"]
DAYS: tuple[Day, ...] = get_args(Day)
DAY_AXIS = "registry"
WELL = "well"
# On these it is another registry that answers, of which nothing is handed on.
SPOILT: frozenset[str] = frozenset({"refusing", "full", "gone", "damaged"})

NOTHING, WARM = "none", "warm-disk"
# Those that keep the keys of all steps, and the layers of the last stage alone.
KEYS_ALONE: frozenset[str] = frozenset({"inline", "registry-min"})
# Those to which each build adds; with the others it leaves what it was made of, and nothing older.
KEPT_FOR_EVER: frozenset[str] = frozenset({"podman-registry"})
# Those whose engine passes over what it cannot read (podman 4.3.1, 5.8.6).
SILENT: frozenset[str] = frozenset({"podman-registry"})
# Those that are several caches, of which BuildKit does not find every step every time: of builds
# that restored one and the same, some ran a step again and some did not (docker 28.5.2).
SEVERAL: frozenset[str] = frozenset({"stage-images"})
# Those with which nothing is moved: the machine keeps its disk, or starts with nothing.
STAYING: frozenset[str] = frozenset({NOTHING, WARM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What lies in a registry's repository, or in a folder, once a cache was saved.

    ``bytes`` counts each blob once, as they are stored; ``types`` are bytes by media type.
    """

    manifests: int
    blobs: int
    bytes: int
    types: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A remote cache's part in one build.

    ``import_s`` is what the engine needed to read the cache, ``export_s`` to write it; where
    ``export_inside``, that is a part of the build's wall. Layers that are fetched when a step needs
    them are in that step's time. ``down_bytes`` and ``up_bytes`` passed between the engine and the
    registry, protocol and all; ``blobs_down`` counts answers, of which one blob may need several,
    ``blobs_missing`` those that said that a blob is not there.
    ``source`` is the phase whose cache it was given, None where nothing was restored.
    ``failures`` are what the engine said of a cache that it could not read or write.
    """

    strategy: str
    restored: bool
    saved: bool
    import_s: float | None = None
    export_s: float | None = None
    export_inside: bool = False
    down_bytes: int | None = None
    up_bytes: int | None = None
    blobs_down: int | None = None
    blobs_up: int | None = None
    requests: int | None = None
    blobs_missing: int | None = None
    source: str | None = None
    failures: tuple[str, ...] = ()
    stored: Stored | None = None

    @classmethod
    def from_json(cls, record: Mapping[str, object]) -> Self:
        """Read it back. Raises KeyError, TypeError or ValueError on what is none."""
        values = known(cls, record)
        if values.get("stored") is not None:
            values["stored"] = Stored(**typed(Stored, known(Stored, values["stored"])))
        values["failures"] = tuple(values.get("failures", ()))
        return cls(**typed(cls, values))
