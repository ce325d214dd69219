"""What a build is made from, each thing that can change a step's outcome named and hashed apart."""

from __future__ import annotations

from lab.dockerfile.cachekey.builder import make, of_files
from lab.dockerfile.cachekey.inputs import CacheInputs, FileFacts, StepFacts, Variable
from lab.dockerfile.cachekey.keys import keys
from lab.dockerfile.cachekey.rules import Rules, by_clients, facets, rules

__all__ = [
    "CacheInputs",
    "FileFacts",
    "Rules",
    "StepFacts",
    "Variable",
    "by_clients",
    "facets",
    "keys",
    "make",
    "of_files",
    "rules",
]
