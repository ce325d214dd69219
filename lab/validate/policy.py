"""What a team demands of its images: read from YAML, every mistake with its place; then judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from lab.images.elf import ordered
from lab.images.finding import Finding
from lab.model.units import bytes_of
from lab.model.units import size as in_bytes
from lab.scenario.error_messages import in_words, placed, shown
from lab.scenario.file_schema import Line, Part, Text, Words
from lab.scenario.yaml_source import Document, Mistake, refusal, text_of
from lab.scenario.yaml_source import read as read_yaml
from lab.validate.inspect import Inspection
from lab.validate.matrix import Verdict

REMEDY = "mend these lines; docs/validate.md has every field"

VersionText = Annotated[
    str, Text(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}", "a version such as 2.36 or 5.10")
]
SizeText = Annotated[
    str, Text(r"[0-9]{1,12}(?:\.[0-9]{1,3})? ?(?:B|kB|MB|GB|KiB|MiB|GiB)", "a size such as 120MB")
]
Where = Literal["docker", "docker-classic", "podman", "bare"]
ImagePath = Annotated[str, Text(r"/[^\x00-\x1f]{0,1000}", "a path from the image's root")]


class RunsEntry(Part):
    """Where it must run."""

    kernels_from: VersionText | None = Field(None, description="this version and later")
    kernels: list[Words] = Field(default_factory=list, description="or these, by name")
    engines: list[Where] = Field(
        default_factory=list, description="all that were tried, by default"
    )
    limits: Literal["allow", "forbid"] = Field("allow", description="may it run with limits")


class PathsEntry(Part):
    """Paths that may be."""

    allow: list[ImagePath] = Field(default_factory=list)


class VersionEntry(Part):
    """A limit of a version."""

    at_most: VersionText


class SizeEntry(Part):
    """A limit of a size."""

    at_most: SizeText


class ElfEntry(Part):
    """What every program and library must be."""

    relro: Literal["partial", "full"] | None = None
    pie: Literal["required"] | None = None
    executable_stack: Literal["forbid"] | None = None
    level_at_most: int | None = Field(None, ge=1, le=4)


class PolicyFile(Part):
    """Demands of an image; what is left out is not demanded."""

    name: Line = ""
    must_run: list[RunsEntry] = Field(default_factory=list)
    glibc: VersionEntry | None = None
    kernel: VersionEntry | None = None
    setuid: PathsEntry | None = None
    setgid: PathsEntry | None = None
    world_writable: PathsEntry | None = None
    user: Literal["not-root"] | None = None
    certificates: Literal["required", "forbid"] | None = None
    time_zones: Literal["required", "forbid"] | None = None
    dates: Literal["clamped"] | None = None
    bootstraps: Literal["identical"] | None = None
    size: SizeEntry | None = None
    wasted: SizeEntry | None = None
    elf: ElfEntry | None = None
    findings: Literal["no-errors", "none"] | None = None


def load(path: Path) -> tuple[PolicyFile, Document]:
    """Read a policy. Raises InputError with every mistake and its place."""
    text = text_of(path, "policy", "name a policy file; policies/images.yaml is an example")
    document = read_yaml(text)
    mistakes = list(document.mistakes)
    if not mistakes and not isinstance(document.data, dict):
        found = "an empty file" if document.data is None else shown(document.data)
        mistakes.append(Mistake(line=1, column=1, found=found, expected="a policy's fields"))
    if not mistakes:
        try:
            return PolicyFile.model_validate(document.data), document
        except ValidationError as error:
            mistakes = [
                placed(document, in_words(detail, PolicyFile))
                for detail in error.errors(include_url=False)
            ]
    raise refusal(path, mistakes, REMEDY)


class Judge:
    """A policy with its places, asked about one image."""

    def __init__(self, policy: PolicyFile, document: Document, path: Path) -> None:
        self._policy, self._document, self._path = policy, document, str(path)

    def broken(
        self, seen: Inspection, verdicts: Sequence[Verdict], versions: dict[str, str | None]
    ) -> tuple[Finding, ...]:
        """Every demand that is not met. ``versions`` are those of the kernels, by name."""
        return (*self._of_image(seen), *self._of_runs(verdicts, versions))

    @property
    def asks_for_bootstraps(self) -> bool:
        """Whether a suite has to be bootstrapped twice."""
        return self._policy.bootstraps is not None

    def of_bootstraps(self, identical: bool | None) -> tuple[Finding, ...]:
        """``identical`` is None for what is no suite."""
        if self._policy.bootstraps is None or identical:
            return ()
        why = "two bootstraps of its suite differ: see the findings"
        if identical is None:
            why = "identical bootstraps are demanded, and it is no suite that the lab bootstraps"
        return (self._said("bootstraps", why),)

    def _said(self, key: str, message: str) -> Finding:
        line, _ = self._document.place((key,), key=True)
        return Finding(
            rule=f"policy-{key.replace('_', '-')}",
            level="error",
            place=self._path,
            line=line,
            message=message,
        )

    def _of_image(self, seen: Inspection) -> Iterator[Finding]:
        policy, clean = self._policy, seen.hygiene
        for key, need in (("glibc", seen.needs.glibc), ("kernel", seen.needs.kernel)):
            limit = getattr(policy, key)
            if limit and need and ordered(need.version) > ordered(limit.at_most):
                yield self._said(
                    key,
                    f"{key} at most {limit.at_most} is demanded: /{need.askers[0]} needs "
                    f"{need.version}",
                )
        for key in ("setuid", "setgid", "world_writable"):
            allowed = getattr(policy, key)
            beyond = [] if allowed is None else sorted(set(getattr(clean, key)) - {*allowed.allow})
            if beyond:
                yield self._said(key, f"{key} beyond the list: {', '.join(beyond)}")
        if policy.user and clean.root:
            yield self._said("user", "it runs as root, another user is demanded")
        for key, there in (
            ("certificates", clean.certificates is not None),
            ("time_zones", clean.time_zones),
        ):
            wanted = getattr(policy, key)
            if wanted and there != (wanted == "required"):
                words = "present" if there else "missing"
                yield self._said(key, f"{key.replace('_', ' ')} are {words}, {wanted} is demanded")
        if policy.dates and not clean.clamped:
            yield self._said("dates", "dates are not clamped: two builds cannot be the same")
        for key, size in (("size", clean.size), ("wasted", clean.wasted)):
            limit = getattr(policy, key)
            if limit and size > _bytes(limit.at_most):
                yield self._said(key, f"{key} is {in_bytes(size)}, at most {limit.at_most} is")
        yield from self._of_elves(seen)
        levels = {"no-errors": {"error"}, "none": {"error", "warning"}}.get(policy.findings or "")
        for one in seen.findings:
            if levels and one.level in levels:
                yield self._said("findings", f"{one.place}: {one.message}")

    def _of_elves(self, seen: Inspection) -> Iterator[Finding]:
        wanted = self._policy.elf
        if wanted is None:
            return
        kept = {"partial": {"partial", "full"}, "full": {"full"}}.get(wanted.relro or "")
        weak: dict[str, list[str]] = {}
        for path, file in sorted(seen.elves.files.items()):
            one = file.facts
            if kept and one.kind in {"executable", "shared"} and one.relro not in kept:
                weak.setdefault(f"RELRO {wanted.relro}", []).append(path)
            if wanted.pie and one.kind == "executable":
                weak.setdefault("PIE", []).append(path)
            if wanted.executable_stack and one.executable_stack:
                weak.setdefault("no executable stack", []).append(path)
            if wanted.level_at_most and (one.level or 1) > wanted.level_at_most:
                weak.setdefault(f"x86-64-v{wanted.level_at_most} at most", []).append(path)
        for what, paths in weak.items():
            some = ", ".join(f"/{path}" for path in paths[:5])
            yield self._said("elf", f"{what} is demanded of {len(paths)} files: {some}")

    def _of_runs(
        self, verdicts: Sequence[Verdict], versions: dict[str, str | None]
    ) -> Iterator[Finding]:
        for entry in self._policy.must_run:
            asked = [one for one in verdicts if _asked(entry, one, versions)]
            for engine in entry.engines:
                if not any(one.column.engine == engine for one in asked):
                    yield self._said("must_run", f"{engine} was not tried: name it in --engines")
            if not asked and not entry.engines:
                yield self._said("must_run", "no kernel that is demanded was tried: --kernels")
            for one in asked:
                why = "; ".join(one.why[:3])
                if one.word in {"does not run", "skipped"} or (
                    one.word == "runs with limits" and entry.limits == "forbid"
                ):
                    yield self._said("must_run", f"{one.column.words}: {one.word}: {why}")


def _asked(entry: RunsEntry, one: Verdict, versions: dict[str, str | None]) -> bool:
    if entry.engines and one.column.engine not in entry.engines:
        return False
    if entry.kernels:
        return one.column.kernel in entry.kernels
    version: Any = versions.get(one.column.kernel) or one.column.kernel
    return entry.kernels_from is None or ordered(version) >= ordered(entry.kernels_from)


def _bytes(text: str) -> int:
    size = bytes_of(text)
    assert size is not None, text  # noqa: S101 - SizeText has this form
    return size
