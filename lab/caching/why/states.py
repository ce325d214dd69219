"""What a build is made from at a commit, or as the work tree is now. Nothing is checked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from lab.caching.git.commit_files import Modes, commit_files
from lab.caching.git.objects import FILES, FOLDER, Commit, Repository
from lab.caching.git.place import Place
from lab.caching.git.work_tree import work_tree
from lab.caching.predict.inputs import read_text
from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import CacheInputs, FileFacts, of_files
from lab.dockerfile.cachekey.sources import chosen
from lab.dockerfile.model import Dockerfile, DockerfileError
from lab.dockerfile.parser import parse
from lab.model.errors import InputError

WORK_TREE = "."  # how a work tree is named where a commit can be
GIT = ".git"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state: its name for people, its Dockerfile, and what its cache keys are made from.

    ``kept_back`` are files that the ignore file keeps from being sent, as far as they were read.
    """

    name: str
    commit: str
    dockerfile: Dockerfile
    inputs: CacheInputs
    kept_back: frozenset[str] = frozenset()

    @property
    def sends_git(self) -> bool:
        """Whether the repository's own .git is sent, and a step that is needed reads it."""
        stages = self.inputs.stages
        return GIT in self.inputs.files and any(
            chosen({GIT: None}, (*step.sources, *step.mounts))
            for step in self.inputs.steps
            if stages[step.stage].needed
        )


@dataclass(slots=True, kw_only=True)
class States:
    """Reads states of one repository. ``{commit}`` in a build argument stands for each one's id."""

    place: Place
    repository: Repository
    build_args: Mapping[str, str]
    target: str | None
    opened: dict[str, Repository | None] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def both(self, before: str, after: str) -> tuple[State, State]:
        """Two states, each a commit or WORK_TREE, with the modes of the work tree where one is."""
        names = (before, after)
        commits = {
            name: self.repository.commit("HEAD" if name == WORK_TREE else name) for name in names
        }
        if WORK_TREE not in names:
            usual = Modes()
            one, two = (self._at(name, commits[name], usual) for name in names)
            return one, two
        other = before if after == WORK_TREE else after
        here, modes = self._now(commits[WORK_TREE], commits[other])
        there = self._at(other, commits[other], modes) if other != WORK_TREE else here
        return (there, here) if after == WORK_TREE else (here, there)

    def _at(self, name: str, commit: Commit, modes: Modes) -> State:
        tree = self._tree(commit)
        if not tree:
            raise InputError(
                f"{name} has no folder {self.place.inside}", remedy="name a commit that has it"
            )
        text = self._text(commit, self.place.held)
        if text is None:
            if self.place.held is not None:
                raise InputError(
                    f"{name} has no file {self.place.held}",
                    remedy="name a Dockerfile that both have: of a new one every step misses",
                )
            text = read_text(self.place.dockerfile)
        found = (self._text(commit, path) for path in self.place.ignore_files)
        ignore = next((one for one in found if one is not None), None)
        files = commit_files(self.repository, tree, modes, self._submodule)
        return self._state(f"{name} ({commit.id[:8]})", commit, text, files, ignore)

    def _now(self, commit: Commit, other: Commit) -> tuple[State, Modes]:
        """The work tree at its ``commit``, compared with another."""
        place = self.place
        if not place.dockerfile.is_file():
            raise InputError(
                f"there is no file {place.dockerfile}",
                remedy="name the Dockerfile, or two commits that have it with --between",
            )
        beside = place.dockerfile.with_name(f"{place.dockerfile.name}{dockerignore.NAME}")
        ignore = next(
            (
                file.read_text(encoding="utf-8", errors="replace")
                for file in (beside, place.folder / dockerignore.NAME)
                if file.is_file()
            ),
            None,
        )
        read = work_tree(
            place.folder,
            place.path,
            None if ignore is None else dockerignore.parse(ignore),
            self.repository,
            self._tree(other),
            other.id,
        )
        text = read_text(place.dockerfile)
        return self._state("the work tree", commit, text, dict(read.files), ignore), read.modes

    def _state(
        self,
        name: str,
        commit: Commit,
        text: str,
        files: dict[str, FileFacts],
        ignore: str | None,
    ) -> State:
        rules = dockerignore.parse(ignore) if ignore is not None else dockerignore.Ignore()
        always = {self.place.path, dockerignore.NAME}
        kept = {
            path: facts
            for path, facts in files.items()
            if path in always
            or not rules.excludes(path)
            or (facts.kind == "directory" and any(one.startswith(f"{path}/") for one in always))
        }
        kept_back = frozenset(files.keys() - kept.keys())
        linked = (self.place.folder / GIT).is_file()  # of a work tree beside another: never changed
        if not (self.place.inside or linked) and (
            not rules.excludes(GIT) or rules.may_keep_below(GIT)
        ):
            # every commit, fetch and `git add` changes what is in it
            kept[GIT] = FileFacts(kind="file", content=commit.id, mode=0)
        args = {key: value.replace("{commit}", commit.id) for key, value in self.build_args.items()}
        try:
            dockerfile = parse(text, args)
            inputs = of_files(
                dockerfile,
                kept,
                dockerfile_path=self.place.path,
                build_args=args,
                target=self.target,
                ignore=ignore,
            )
        except DockerfileError as error:
            remedy = "correct the Dockerfile, or name one of its stages with --target"
            raise InputError(f"{name}: {self.place.path}: {error}", remedy=remedy) from error
        return State(
            name=name,
            commit=commit.id,
            dockerfile=dockerfile,
            inputs=inputs,
            kept_back=kept_back,
        )

    def _tree(self, commit: Commit) -> str:
        """The id of the context's tree; empty where the commit has no such folder."""
        if not self.place.inside:
            return commit.tree
        entry = self.repository.find(commit.tree, self.place.inside)
        return entry.id if entry is not None and entry.mode == FOLDER else ""

    def _text(self, commit: Commit, path: str | None) -> str | None:
        entry = None if path is None else self.repository.find(commit.tree, path)
        if entry is None or entry.mode not in FILES:
            return None
        return self.repository.object(entry.id).decode(errors="surrogateescape")

    def _submodule(self, path: str) -> Repository | None:
        """The repository that is checked out at a path of the context."""
        if path not in self.opened:
            folder = self.place.folder / path
            there = (folder / GIT).exists()
            self.opened[path] = Repository(folder) if there else None
            if (one := self.opened[path]) is not None:
                self.stack.callback(one.close)
        return self.opened[path]


@contextmanager
def reading(place: Place, build_args: Mapping[str, str], target: str | None) -> Iterator[States]:
    """Open a repository for as long as its states are read."""
    with ExitStack() as stack:
        repository = Repository(place.folder)
        stack.callback(repository.close)
        yield States(
            place=place,
            repository=repository,
            build_args=build_args,
            target=target,
            stack=stack,
        )
