"""What a build is made from, each thing that can change a step's outcome named and hashed apart."""

from __future__ import annotations

from lab.manifest.facts import FileFacts, Manifest, StepFacts, Variable
from lab.manifest.keys import keys
from lab.manifest.making import make, of_files
from lab.manifest.rules import Rules, by_clients, facets, rules

__all__ = [
    "FileFacts",
    "Manifest",
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
