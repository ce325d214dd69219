"""Cache inputs of a Dockerfile, a context and arguments. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import heredocs
from lab.dockerfile.cachekey.file_facts import facts
from lab.dockerfile.cachekey.inputs import (
    CacheInputs,
    FileFacts,
    Reading,
    StageFacts,
    StepFacts,
    Variable,
)
from lab.dockerfile.cachekey.places import joined, root, shown
from lab.dockerfile.cachekey.sources import operands, patterns
from lab.dockerfile.cachekey.variables import Scope, expand, named, names, of_platform
from lab.dockerfile.context import Context
from lab.dockerfile.model import Dockerfile, Instruction
from lab.dockerfile.parser import continues, lines_of

Digest = Callable[[str], str | None]


@dataclass(slots=True)
class _Stage:
    scope: Scope = field(default_factory=Scope)
    user: str = ""
    shell: str = ""
    last: int | None = None
    workdir: str = ""
    slash: bool = False

    def take(self, instruction: Instruction, facts: StepFacts) -> None:
        """Let what an instruction sets be in force for those below it."""
        match instruction.keyword:
            case "ENV":
                self.scope.set(instruction)
            case "USER":
                self.user = self.scope.expand(instruction.operands)
            case "SHELL":
                self.shell = instruction.operands
            case "WORKDIR":
                self.workdir = facts.place
                self.slash = self.scope.expand(instruction.operands).endswith("/")
        self.last = instruction.index


def make(
    dockerfile: Dockerfile,
    context: Context,
    *,
    dockerfile_path: str = "Dockerfile",
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    platform: str | None = None,
    digest: Digest = lambda _ref: None,
    ignore: str | None = None,
) -> CacheInputs:
    """What a build is made from. ``digest`` gives an image's digest by its reference, or None.

    ``ignore`` is the text of the ignore file that holds, where it is not the context's own.
    """
    return of_files(
        dockerfile,
        {path: facts(entry) for path, entry in context.entries.items()},
        dockerfile_path=dockerfile_path,
        build_args=build_args,
        target=target,
        platform=platform,
        digest=digest,
        ignore=ignored(context) if ignore is None else ignore,
    )


def ignored(context: Context) -> str | None:
    """The text of a context's own ignore file."""
    entry = context.entries.get(dockerignore.NAME)
    if entry is None or entry.kind != "file":
        return None
    return context.read(dockerignore.NAME).decode(errors="replace")


def of_files(
    dockerfile: Dockerfile,
    files: Mapping[str, FileFacts],
    *,
    dockerfile_path: str = "Dockerfile",
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    platform: str | None = None,
    digest: Digest = lambda _ref: None,
    ignore: str | None = None,
) -> CacheInputs:
    """The same where the context's facts are already known."""
    needed = dockerfile.needed(target)
    reader = _Reader(dockerfile, build_args or {}, digest, of_platform(platform))
    return CacheInputs(
        dockerfile=dockerfile_path,
        target=dockerfile.target(target),
        platform=platform,
        stages=tuple(
            StageFacts(name=stage.name, needed=stage.index in needed) for stage in dockerfile.stages
        ),
        steps=tuple(reader.steps()),
        files=files,
        ignore=ignore,
    )


class _Reader:
    """Reads the instructions in their order; keeps what is in force in each stage."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        build_args: Mapping[str, str],
        digest: Digest,
        platform: Mapping[str, str],
    ) -> None:
        self._dockerfile = dockerfile
        self._given = build_args
        self._digest = digest
        self._platform = platform
        self._stages: dict[int, _Stage] = {}
        self._lines = lines_of(dockerfile.text.removeprefix("\ufeff"))

    def steps(self) -> Iterator[StepFacts]:
        """Of all stages, in the file's order; what ONBUILD brings follows its FROM."""
        for instruction in self._dockerfile.instructions:
            if instruction.stage is not None:
                yield self.step(instruction)
                if instruction.keyword == "FROM":
                    brought = self._dockerfile.triggers.get(instruction.stage, ())
                    yield from (self.step(one) for one in brought)

    def step(self, instruction: Instruction) -> StepFacts:
        number = instruction.stage or 0
        if instruction.keyword == "FROM":
            return self._from(instruction, number)
        stage = self._stages[number]
        if instruction.keyword == "ARG":
            stage.scope.declare(instruction, self._given, self._dockerfile.arguments)
        found = self._facts(instruction, number, stage)
        stage.take(instruction, found)
        return found

    def _facts(self, instruction: Instruction, number: int, stage: _Stage) -> StepFacts:
        keyword, scope = instruction.keyword, stage.scope
        text = self._text(instruction)
        used = names(heredocs.filled_in(instruction) or text)
        copies = keyword in {"COPY", "ADD"}
        words = [scope.expand(word) for word in operands(instruction)] if copies else []
        return StepFacts(
            index=instruction.index,
            stage=number,
            keyword=keyword,
            text=text,
            previous=stage.last,
            sources=() if instruction.flag("from") is not None else patterns(words[:-1]),
            excludes=tuple(
                scope.expand(value) for name, value in instruction.flags if name == "exclude"
            ),
            mounts=shown(instruction, scope),
            reads=self._reads(instruction, words),
            place=_written(instruction, stage, words),
            images=self._images(instruction),
            variables=dict(scope.all) if keyword in {"RUN", "WORKDIR"} else _only(scope, used),
            uses=used,
            user=stage.user,
            slash=stage.slash,
            margins=self._margins(instruction) if keyword == "RUN" else "",
            shell=stage.shell if not instruction.operands.startswith("[") else "",
            link=instruction.flag("link") not in {None, "false"},
            chmod=instruction.flag("chmod") is not None,
            secrets=tuple(
                mount.get("id", mount.get("target", "?"))
                for mount in instruction.mounts
                if mount["type"] in {"secret", "ssh"}
            ),
        )

    def _from(self, instruction: Instruction, number: int) -> StepFacts:
        about = self._dockerfile.stages[number]
        stage = _Stage(scope=Scope(platform=self._platform), last=instruction.index)
        previous = None
        images: dict[str, str | None] = {}
        if about.parent is None:
            stage.workdir = "/" if about.base == "scratch" else ""
            images = {
                about.base: "scratch" if about.base == "scratch" else self._digest(about.base)
            }
        else:
            parent = self._stages[about.parent]
            previous = parent.last
            stage.scope.env = dict(parent.scope.env)
            stage.user, stage.shell = parent.user, parent.shell
            stage.workdir, stage.slash = parent.workdir, parent.slash
        self._stages[number] = stage
        return StepFacts(
            index=instruction.index,
            stage=number,
            keyword="FROM",
            text=self._text(instruction),
            previous=previous,
            images=images,
            variables=named(instruction.text, self._dockerfile.arguments),
        )

    def _reads(self, instruction: Instruction, words: list[str]) -> tuple[Reading, ...]:
        sources = self._dockerfile.sources(instruction)
        if instruction.keyword != "RUN":
            paths = tuple(dict.fromkeys(root(word) for word in words[:-1])) or ("/",)
            return tuple(Reading(how="copy", step=self._last(one), paths=paths) for one in sources)
        # of several mounts of one stage, all that any of them shows
        return tuple(
            Reading(
                how="mount",
                step=self._last(one),
                paths=tuple(
                    root(mount.get("source", mount.get("src", "/")))
                    for mount in instruction.mounts
                    if "from" in mount
                ),
            )
            for one in sources
        )

    def _last(self, stage: int) -> int:
        """The last step of a stage above."""
        last = self._stages[stage].last
        return self._dockerfile.stages[stage].instructions[-1] if last is None else last

    def _images(self, instruction: Instruction) -> dict[str, str | None]:
        """Images that the instruction reads by name: ``from=`` that is no stage."""
        refs = [value for name, value in instruction.flags if name == "from"]
        refs += [mount["from"] for mount in instruction.mounts if "from" in mount]
        if len(self._dockerfile.sources(instruction)) == len(set(refs)):
            return {}
        stages = {stage.name for stage in self._dockerfile.stages}
        return {
            ref: self._digest(ref)
            for ref in (expand(ref, self._dockerfile.arguments) for ref in refs)
            if ref.lower() not in stages and not ref.isdecimal()
        }

    def _margins(self, instruction: Instruction) -> str:
        line = self._lines[instruction.line - 1]
        if instruction.heredocs or instruction.line != instruction.end:
            return ""
        rest = line.lstrip()[len(instruction.keyword) :].rstrip("\n")
        before = len(rest) - len(rest.lstrip(" \t"))
        after = len(rest) - len(rest.rstrip(" \t"))
        return "" if (before, after) == (1, 0) else f"{before} {after}"

    def _text(self, instruction: Instruction) -> str:
        """The instruction as builders join it: a continued line keeps its leading blanks."""
        if instruction.heredocs:
            return heredocs.text(instruction)
        lines = self._lines[instruction.line - 1 : instruction.end]
        if len(lines) == 1:
            return instruction.text
        parts: list[str] = []
        for line in lines:
            if parts and (not line.strip() or line.lstrip().startswith("#")):
                continue
            body = line.rstrip()
            if not continues(body, self._dockerfile.escape):
                parts.append(body)
                break
            parts.append(body[:-1])
        keyword, rest = (*"".join(parts).strip().split(None, 1), "")[:2]
        return f"{keyword.upper()} {rest.strip()}"


def _only(scope: Scope, wanted: tuple[str, ...]) -> dict[str, Variable]:
    return {name: one for name, one in scope.all.items() if name in wanted}


def _written(instruction: Instruction, stage: _Stage, words: list[str]) -> str:
    """Where COPY, ADD and WORKDIR write to; empty where nobody knows, and for all others."""
    if instruction.keyword == "WORKDIR":
        return joined(stage.workdir, stage.scope.expand(instruction.operands))
    return joined(stage.workdir, words[-1] if words else "")
