"""Manifests of build contexts: what an engine would get, and why two machines send another."""

from __future__ import annotations

from lab.caching.manifests.differences import Difference, Group, differences
from lab.caching.manifests.folder import scan
from lab.caching.manifests.model import Head, Item, Manifest, read, write

__all__ = [
    "Difference",
    "Group",
    "Head",
    "Item",
    "Manifest",
    "differences",
    "read",
    "scan",
    "write",
]
