"""What a build is made from, each thing that can change a step's outcome named and hashed apart."""

from __future__ import annotations

from lab.dockerfile.cachekey.builder import make, of_files
from lab.dockerfile.cachekey.engine_rules import archive_rules, client_rules
from lab.dockerfile.cachekey.inputs import CacheInputs, FileFacts, StepFacts, Variable
from lab.dockerfile.cachekey.keys import keys
from lab.dockerfile.cachekey.rules import Rules, facets

__all__ = [
    "CacheInputs",
    "FileFacts",
    "Rules",
    "StepFacts",
    "Variable",
    "archive_rules",
    "client_rules",
    "facets",
    "keys",
    "make",
    "of_files",
]
