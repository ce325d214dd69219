"""Where a run comes from: the commit that was built, and the CI job that built it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lab.model.json_fields import known, typed

# owner/name at the end of an address, whatever name and password stand before its host.
_SLUG = re.compile(r"(?:.*[/:])?([^/:@]+/[^/:@]+?)(?:\.git)?/?")
DIRTY = "-dirty"
SHORT = 9  # characters of a commit's name, as people write it


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What was built, by git's names, and in which CI job. None: not known, or there is none.

    ``commit`` is what lay on disk; where a CI service merged a change to build it, ``head`` is the
    change's own last commit. ``dirty``: files differ from that commit. ``change`` is the number of
    a pull or merge request, ``repository`` is ``owner/name``, ``url`` leads to the job.
    """

    commit: str | None = None
    head: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    change: str | None = None
    repository: str | None = None
    ci: str | None = None
    job: str | None = None
    url: str | None = None

    @property
    def short(self) -> str | None:
        """The commit as people write it; a ``+`` behind it says that files differed from it."""
        return None if self.commit is None else self.commit[:SHORT] + "+" * bool(self.dirty)

    def to_json(self) -> dict[str, Any]:
        """What is known of it."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, record: Mapping[str, Any] | None) -> Origin:
        """Of a run's head; older ones have none. Raises TypeError on what is not one."""
        return cls(**typed(cls, known(cls, record or {})))

    @classmethod
    def of_words(cls, words: Mapping[str, str]) -> Origin:
        """Of an imported build: what its file says under these very names, as text.

        buildx writes ``-dirty`` behind the commit where files differ from it, if
        BUILDX_GIT_CHECK_DIRTY asks for that (its build/git.go): without it nothing is known.
        """
        names = ("commit", "branch", "change", "repository", "ci", "job")
        found: dict[str, Any] = {name: words[name] for name in names if words.get(name)}
        if "repository" in found:
            found["repository"] = slug(found["repository"])
        if found.get("commit", "").endswith(DIRTY):
            found |= {"commit": found["commit"].removesuffix(DIRTY), "dirty": True}
        return cls.from_json(found)


def slug(text: str) -> str | None:
    """``owner/name`` of a repository, without the credentials that its address may hold."""
    found = _SLUG.fullmatch(text)
    return found[1] if found and found[1].isprintable() else None
