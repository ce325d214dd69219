"""What a COPY reads of a commit, as a digest: by tree ids, so that only what changed is looked at.

A git tree's id stands for names, modes and contents of all below it: what builders look at.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections import OrderedDict
from collections.abc import Collection, Iterator

from lab.caching.git.objects import FOLDER, Entry, Repository
from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import Rules, StepFacts, excludes

KEPT = 200_000  # filtered trees and verdicts on paths that are kept


class Digests:
    """Digests of a repository's commits under one .dockerignore.

    The ``seen`` paths are read whatever it says. The ``given`` ones are not the commits' own, but
    the same for all of them: they tell no two apart.
    """

    def __init__(
        self,
        repository: Repository,
        ignore: dockerignore.Ignore | None,
        *,
        seen: Collection[str] = (),
        given: Collection[str] = (),
    ) -> None:
        self._repository = repository
        self.ignore = ignore
        self._seen = frozenset(seen)
        self._given = frozenset(given)
        self._filtered: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._excluded: dict[str, bool] = {}
        self._narrower: dict[dockerignore.Ignore, Digests] = {}

    def of(self, tree: str, step: StepFacts, rules: Rules) -> str:
        """The digest of all that a step reads of the commit with this tree."""
        if step.excludes:
            return "|".join(
                [self._without(one, step, rules)._pattern(tree, one) for one in step.sources]
            )
        wanted = (*step.sources, *(step.mounts if rules.mounts else ()))
        return "|".join([self._pattern(tree, pattern) for pattern in wanted])

    def _without(self, source: str, step: StepFacts, rules: Rules) -> Digests:
        """The same without what the step's --exclude leaves out of a source."""
        more = excludes.ignore(source, step.excludes, below=rules.excludes_below)
        if more not in self._narrower:
            before = () if self.ignore is None else self.ignore.rules
            self._narrower[more] = Digests(
                self._repository,
                dockerignore.Ignore((*before, *more.rules)),
                seen=self._seen,
                given=self._given,
            )
        return self._narrower[more]

    def _pattern(self, tree: str, pattern: str) -> str:
        if pattern == ".":
            return self._folder(tree, "")
        found = self._matching(tree, "", pattern.split("/"))
        return ";".join([f"{path} {self._entry(entry, path)}" for path, entry in found])

    def _matching(self, tree: str, prefix: str, parts: list[str]) -> Iterator[tuple[str, Entry]]:
        first, rest = parts[0], parts[1:]
        entries = self._repository.tree(tree)
        if any(char in first for char in "*?["):
            names = sorted(name for name in entries if fnmatch.fnmatchcase(name, first))
        else:
            names = [first] if first in entries else []
        for name in names:
            path = f"{prefix}{name}"
            entry = entries[name]
            if path in self._given:
                continue
            if not rest:
                if entry.mode == FOLDER or not self.excludes(path):
                    yield path, entry
            elif entry.mode == FOLDER:
                yield from self._matching(entry.id, f"{path}/", rest)

    def _entry(self, entry: Entry, path: str) -> str:
        if entry.mode == FOLDER:
            return self._folder(entry.id, f"{path}/")
        return f"{entry.mode} {entry.id}"

    def _folder(self, tree: str, prefix: str) -> str:
        if not (self.ignore and self.ignore.rules) and not _below(self._given, prefix):
            return tree
        known = self._filtered.get((tree, prefix))
        if known is not None:
            return known
        kept = []
        for name, entry in self._repository.tree(tree).items():
            path = f"{prefix}{name}"
            if path in self._given:
                continue
            if entry.mode != FOLDER:
                if not self.excludes(path):
                    kept.append(f"{name} {entry.mode} {entry.id}")
            elif not self.excludes(path) or self._kept_below(path):
                kept.append(f"{name} {self._folder(entry.id, f'{path}/')}")
        text = "\n".join(kept).encode(errors="surrogateescape")
        found = hashlib.blake2b(text, digest_size=12).hexdigest() if kept else ""
        self._filtered[tree, prefix] = found
        if len(self._filtered) > KEPT:
            self._filtered.popitem(last=False)
        return found

    def excludes(self, path: str) -> bool:
        """Whether .dockerignore keeps the path from being read."""
        if self.ignore is None or path in self._seen:
            return False
        known = self._excluded.get(path)
        if known is None:
            if len(self._excluded) > KEPT:
                self._excluded.clear()
            known = self._excluded[path] = self.ignore.excludes(path)
        return known

    def _kept_below(self, folder: str) -> bool:
        ignore = self.ignore
        return (ignore is not None and ignore.may_keep_below(folder)) or _below(
            self._seen, f"{folder}/"
        )


def _below(paths: Collection[str], prefix: str) -> bool:
    return any(path.startswith(prefix) for path in paths)
