"""A git repository as builds see it: commits and work trees as contexts, nothing checked out."""

from __future__ import annotations

from lab.caching.git.objects import Commit, Entry, Repository

__all__ = ["Commit", "Entry", "Repository"]
