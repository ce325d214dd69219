"""Lines between a runner and its registry, by name; what a scenario may give of one of its own.

Rates of the first two are those of saving and restoring 4 GB by actions/cache, as RunsOn published
them on 6 June 2025 (https://runs-on.com/benchmarks/github-actions-cache-performance): 33 s and 45 s
on GitHub's own runners, 46 s and 194 s from another provider's to the same place. Round trips, and
the office line (100 and 40 Mbit/s), are chosen, not measured: give your own where you know them.
"""

from __future__ import annotations

from collections.abc import Mapping

AXIS = "link"
PRESETS: Mapping[str, Mapping[str, str]] = {
    "hosted": {"round_trip": "2ms", "down": "89MB", "up": "121MB"},
    "other-provider": {"round_trip": "20ms", "down": "21MB", "up": "87MB"},
    "office": {"round_trip": "20ms", "down": "12.5MB", "up": "5MB"},
}


def link_name(entry: object) -> str | None:
    """A link's value on its axis."""
    name = entry.get("name") if isinstance(entry, dict) else entry
    return name if isinstance(name, str) else None
