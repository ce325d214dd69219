"""What a team demands of its images, judged of one image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lab.images.elf import ordered
from lab.images.hygiene import Hygiene
from lab.images.needs import Needs
from lab.model.engine_name import family
from lab.model.finding import Finding
from lab.model.units import bytes_of
from lab.model.units import size as in_bytes
from lab.scenario.yaml_file import YamlFile
from lab.validate.inspect import Inspection
from lab.validate.matrix import Verdict
from lab.validate.policy_file import PolicyFile, RunsEntry


class Judge:
    """A policy with its places, asked about one image."""

    def __init__(self, file: YamlFile[PolicyFile]) -> None:
        self._policy, self._file = file.parsed, file

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
        return Finding(
            rule=f"policy-{key.replace('_', '-')}",
            level="error",
            place=str(self._file.name),
            line=self._file.line((key,), key=True),
            message=message,
        )

    def _of_image(self, seen: Inspection) -> Iterator[Finding]:
        yield from self._of_needs(seen.needs)
        yield from self._of_files(seen.hygiene)
        yield from self._of_sizes(seen.hygiene)
        yield from self._of_elves(seen)
        levels = {"no-errors": {"error"}, "none": {"error", "warning"}}
        unwanted = levels.get(self._policy.findings or "", set())
        for one in seen.findings:
            if one.level in unwanted:
                yield self._said("findings", f"{one.place}: {one.message}")

    def _of_needs(self, needs: Needs) -> Iterator[Finding]:
        for key, need in (("glibc", needs.glibc), ("kernel", needs.kernel)):
            limit = getattr(self._policy, key)
            if limit and need and ordered(need.version) > ordered(limit.at_most):
                yield self._said(
                    key,
                    f"{key} at most {limit.at_most} is demanded: /{need.askers[0]} needs "
                    f"{need.version}",
                )

    def _of_files(self, clean: Hygiene) -> Iterator[Finding]:
        policy = self._policy
        for key in ("setuid", "setgid", "world_writable"):
            allowed = getattr(policy, key)
            beyond = [] if allowed is None else sorted(set(getattr(clean, key)) - {*allowed.allow})
            if beyond:
                yield self._said(key, f"{key} beyond the list: {', '.join(beyond)}")
        if policy.user and clean.root:
            yield self._said("user", "it runs as root, another user is demanded")
        present = {"certificates": clean.certificates is not None, "time_zones": clean.time_zones}
        for key, there in present.items():
            wanted = getattr(policy, key)
            if wanted and there != (wanted == "required"):
                words = "present" if there else "missing"
                yield self._said(key, f"{key.replace('_', ' ')} are {words}, {wanted} is demanded")
        if policy.dates and not clean.clamped:
            yield self._said("dates", "dates are not clamped: two builds cannot be the same")

    def _of_sizes(self, clean: Hygiene) -> Iterator[Finding]:
        for key, size in (("size", clean.size), ("wasted", clean.wasted)):
            limit = getattr(self._policy, key)
            if limit and size > _bytes(limit.at_most):
                yield self._said(key, f"{key} is {in_bytes(size)}, at most {limit.at_most} is")

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
                if not any(family(one.column.engine) == engine for one in asked):
                    yield self._said("must_run", f"{engine} was not tried: name it in --engine")
            if not asked and not entry.engines:
                yield self._said("must_run", "no kernel that is demanded was tried: --kernels")
            for one in asked:
                why = "; ".join(one.why[:3])
                if one.word in {"does not run", "skipped"} or (
                    one.word == "runs with limits" and entry.limits == "forbid"
                ):
                    yield self._said("must_run", f"{one.column.words}: {one.word}: {why}")


def _asked(entry: RunsEntry, one: Verdict, versions: dict[str, str | None]) -> bool:
    if entry.engines and family(one.column.engine) not in entry.engines:
        return False
    if entry.kernels:
        return one.column.kernel in entry.kernels
    version: Any = versions.get(one.column.kernel) or one.column.kernel
    return entry.kernels_from is None or ordered(version) >= ordered(entry.kernels_from)


def _bytes(text: str) -> int:
    size = bytes_of(text)
    assert size is not None, text  # noqa: S101 - SizeText has this form
    return size
