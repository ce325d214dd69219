"""Kinds of edits, built, edited and built again on an engine: what its cache made of them.

Each kind is a stage of one Dockerfile. It is built, edited, and built again; a stage after all
others reads the value that each kept. The same value is a hit. Where an engine cannot read out of
another stage by a mount (Docker's first builder), it is the value that the step printed, or not.
"""

from __future__ import annotations

import io
import re
import secrets
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from benchmarks import clients
from benchmarks.loopback import Loopback
from benchmarks.matrix_project import REFS, Places, Project, foretold, project, word
from lab.caching.matrix import Cell, Kind
from lab.dockerfile import parser
from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.tar import MemoryArchive
from lab.engines import features, open_engine
from lab.engines.protocol import Archive, BuildRequest, Engine
from lab.images.sources.base_images import base
from lab.images.sources.types import BaseSource
from lab.model import engine_name
from lab.model.events import Log, Outcome
from lab.runner.recorder import BuildOutcome, BuildRecorder

TOGETHER = 50  # BuildKit runs all stages of a build at once
_VALUE = re.compile(r"^(?:#\d+ [\d.]+ )?value (k\d+\w*) (.+)", re.MULTILINE)
_PRINTED = re.compile(r"^(?!.*value k).*probe (k\d+\w*) ([0-9a-f-]{36})", re.MULTILINE)


class Failed(Exception):
    """A build of kinds that should have ended well did not."""


@dataclass(slots=True)
class Seen:
    """What two builds of some kinds showed.

    ``wrong`` are steps of the second build whose outcome the lab's rules foretell otherwise.
    """

    cells: dict[str, Cell] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        """Take up what another showed."""
        self.cells |= other.cells
        self.wrong += other.wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An engine that has the bases, and the servers that its builds fetch from."""

    engine: Engine
    server: Loopback

    @property
    def family(self) -> str:
        return engine_name.family(self.engine.name)

    @property
    def places(self) -> Places:
        """slirp4netns shows this machine's loopback to a private Docker as 10.0.2.2."""
        podman = self.family == "podman"
        host = "127.0.0.1" if podman else "10.0.2.2"
        return Places(
            http=f"http://{host}:{self.server.http}",
            git=f"git://{host}:{self.server.git}",
            size="tmpfs-size" if podman else "size",
        )

    @property
    def reads_stages(self) -> bool:
        return self.family != "docker-classic"

    @property
    def shows_stages(self) -> bool:
        """Podman 4.3.1 mounts an empty folder where all of a stage was taken from the cache."""
        version = features.parse_version(self.engine.facts().version)
        return self.family != "podman" or version >= (5,)

    def build(self, built: Project) -> tuple[BuildOutcome, str]:
        """What became of a build, and what its steps printed."""
        self.server.offer(built.served, built.repositories)
        parsed = parser.parse(built.text, built.args)
        recorder = BuildRecorder(parsed, built.target, ())
        printed: list[bytes] = []
        with closing(built.context.archive()) as tar:
            request = BuildRequest(
                dockerfile=parsed,
                dockerfile_path="Dockerfile",
                context=_special(tar, built),
                tag="localhost/lab/matrix:built",
                target=built.target,
                build_args=built.args,
                labels=built.labels,
            )
            for event in self.engine.build(request):
                recorder.add(event)
                if isinstance(event, Log):
                    printed.append(event.data)
        return recorder.result(), b"".join(printed).decode(errors="replace")

    def lacks(self, kind: Kind) -> bool:
        """Whether the lab takes the engine for one that cannot build this kind."""
        facts = self.engine.facts()
        return any(
            features.lacks(
                facts.name,
                facts.version,
                parser.parse(self.project([kind], "x", edited).text),
                session=True,
            )
            for edited in (False, True)
        )

    def project(self, some: Sequence[Kind], fresh: str, edited: bool) -> Project:
        collect = self.reads_stages and not any(kind.after.target for kind in some)
        return project(some, fresh, edited=edited, places=self.places, collect=collect)


def measure(bench: Bench, some: Sequence[Kind]) -> Seen:
    """What the engine makes of these kinds, seen once. Those that it lacks are refused."""
    found = Seen()
    able = []
    for kind in some:
        if bench.lacks(kind) or (kind.session and not clients.there(bench.family)):
            found.cells[kind.title] = "refused"
        else:
            able.append(kind)
    shared = [kind for kind in able if not kind.alone and not kind.session]
    groups = [shared[at : at + TOGETHER] for at in range(0, len(shared), TOGETHER)]
    for group in [*groups, *([kind] for kind in able if kind.alone or kind.session)]:
        found.add(_twice(bench, group))
    return found


def _twice(bench: Bench, group: Sequence[Kind]) -> Seen:
    fresh = f"x{secrets.token_hex(3)}"
    left, refused = list(group), []
    while left:
        before, after = (bench.project(left, fresh, edited) for edited in (False, True))
        if group[0].session:
            return _by_client(bench, group[0], fresh, before, after)
        first, printed = bench.build(before)
        second, printed_then = bench.build(after) if first.status == "ok" else (first, "")
        if second.status == "ok":
            break
        named = [kind for kind in left if word(kind, fresh) in str(second.reason)]
        if not named:
            raise Failed(f"{bench.engine.name}: {second.reason}")
        refused += named
        left = [kind for kind in left if kind not in named]
    if not left:
        return Seen(cells={kind.title: "refused" for kind in refused})
    found = Seen(
        cells=_cells(bench, left, fresh, printed, printed_then),
        wrong=[f"{kind.title}: the engine cannot build it" for kind in refused],
    )
    found.cells |= {kind.title: "refused" for kind in refused}
    found.wrong += _otherwise(bench, left, fresh, (before, after), second)
    return found


def _otherwise(
    bench: Bench,
    group: Sequence[Kind],
    fresh: str,
    projects: tuple[Project, Project],
    second: BuildOutcome,
) -> Iterator[str]:
    """Steps of the second build whose outcome the lab's rules foretell otherwise."""
    facts = bench.engine.facts()
    rules = archive_rules(facts.name, facts.version, facts.storage)
    prediction = foretold(*projects, rules, images(bench.engine))
    stages = {f"s{word(kind, fresh)}": kind for kind in group}
    outside = [word(kind, fresh) for kind in group if kind.outside]
    cautious = [word(kind, fresh) for kind in group if kind.cautious]
    for step in second.steps:
        text, said = step.instruction, prediction.outcomes.get(step.index)
        ours = step.stage == "" or "; echo value" in text
        if step.outcome is None or ours or any(at in text or at in step.stage for at in outside):
            continue
        deeper = any(at in text or at in step.stage for at in cautious)
        assumed = deeper or step.index in prediction.assumed
        explained = assumed and step.outcome is Outcome.HIT
        if said is not step.outcome and not explained:
            title = stages[step.stage].title if step.stage in stages else step.stage
            yield f"{title}: {text[:70]}: {said}, was {step.outcome}"


def _by_client(bench: Bench, kind: Kind, fresh: str, before: Project, after: Project) -> Seen:
    endpoint = bench.engine.facts().endpoint
    printed = [clients.build(bench.family, endpoint, one) for one in (before, after)]
    return Seen(cells=_cells(bench, [kind], fresh, *printed))


def _cells(
    bench: Bench, group: Sequence[Kind], fresh: str, printed: str, then: str
) -> dict[str, Cell]:
    """Hit or miss by the values that were kept, or else by those that were printed."""
    values, values_then = dict(_VALUE.findall(printed)), dict(_VALUE.findall(then))
    ran, ran_then = dict(_PRINTED.findall(printed)), dict(_PRINTED.findall(then))
    found: dict[str, Cell] = {}
    for kind in group:
        at = word(kind, fresh)
        if at not in values and at not in ran:
            raise Failed(f"{kind.title}: no value was kept in:\n{printed[-2000:]}")
        kept = at in values and (kind.probe or bench.shows_stages)
        same = values_then[at] == values[at] if kept else at not in ran_then
        if kept and not kind.probe and same == (at in ran_then):
            raise Failed(f"{kind.title}: what it printed and what it kept are two things")
        found[kind.title] = "hit" if same else "miss"
    return found


def images(engine: Engine) -> dict[str, str]:
    """The ids of the bases."""
    return {ref: str(engine.inspect(ref).id) for ref in REFS.values()}


def _special(tar: Archive, built: Project) -> Archive:
    """The archive with what the lab's own never holds."""
    if not built.special:
        return tar
    out = io.BytesIO()
    with tarfile.open(fileobj=tar.open()) as old, tarfile.open(fileobj=out, mode="w") as new:
        for info in old:
            placed = built.special.get(info.name)
            if placed is not None:
                info.mtime = placed.mtime
                info.pax_headers |= {f"SCHILY.xattr.{k}": v for k, v in placed.xattr.items()}
            new.addfile(info, old.extractfile(info))
    return MemoryArchive(out.getvalue())


def prepare(engine: Engine, ref: str) -> None:
    """Give an engine the bases, made of the image ``ref``."""
    for name in ("BASE", "SAME"):
        engine.tag(ref, REFS[name])
    for name, line in (("LABELLED", "LABEL lab=matrix"), ("LAYERED", "COPY Dockerfile /layered")):
        text = f"FROM {REFS['BASE']}\n{line}\n"
        _make(engine, text, REFS[name])


def _make(engine: Engine, text: str, tag: str) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    request = BuildRequest(
        dockerfile=parser.parse(text),
        dockerfile_path="Dockerfile",
        context=MemoryArchive(data.getvalue()),
        tag=tag,
    )
    recorder = BuildRecorder(request.dockerfile, None, ())
    for event in engine.build(request):
        recorder.add(event)
    if recorder.result().status != "ok":
        raise Failed(f"{engine.name}: {recorder.result().reason}")


@contextmanager
def started(name: str, server: Loopback) -> Iterator[Bench]:
    """A private engine of this name, ready to be measured."""
    source = BaseSource(kind="suite", value="bookworm", name="bookworm", sha256=None)
    image = base(source, say=say).image
    with closing(open_engine(name, private=True, say=say)) as engine:
        engine.ensure(image)
        prepare(engine, image.ref)
        yield Bench(engine=engine, server=server)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
