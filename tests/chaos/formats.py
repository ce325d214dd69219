"""Every format that the lab reads from outside: valid files to damage, and all that reads them.

A reader takes a file's bytes and does with them what users' commands do. It may raise the lab's
own errors; anything else is a find.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import lab
from lab.caching.explain import from_run
from lab.dockerfile import dockerignore, parser
from lab.engines.decoders import decoder
from lab.engines.docker_stream import read as read_stream
from lab.engines.recorded import files
from lab.golang.claims import loader as claims
from lab.images import elf
from lab.images.opened import empty, opened
from lab.model.errors import LabError
from lab.model.record import Build, Run
from lab.report import compose, formats, tool_formats
from lab.results import history, runs
from lab.results.diagnosis.diagnose import diagnose
from lab.results.gate import policy_loader
from lab.runner.recorder import BuildRecorder
from lab.scenario import loader as scenarios
from lab.validate import assertions, policy_file, structure
from lab.validate.inspect import inspect
from lab.validate.probes import seccomp_profile
from tests import captures, factories, image_archives

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
Reader = Callable[[bytes], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Valid files, and what reads one; `reader` takes a folder that is its own."""

    corpus: Callable[[], Sequence[bytes]]
    reader: Callable[[Path], Reader]


def _files(*patterns: str, least: int = 2) -> Callable[[], Sequence[bytes]]:
    def found() -> Sequence[bytes]:
        texts = [path.read_bytes() for one in patterns for path in sorted(ROOT.glob(one))]
        assert len(texts) >= least, patterns
        return texts

    return found


def _at(name: str, read: Callable[[Path], object]) -> Callable[[Path], Reader]:
    """What takes a path, as commands are given it."""

    def reader(folder: Path) -> Reader:
        path = folder / name

        def take(data: bytes) -> object:
            path.write_bytes(data)
            return read(path)

        return take

    return reader


STRUCTURE = b"""schemaVersion: 2.0.0
fileExistenceTests:
- {name: app, path: /usr/bin/app, shouldExist: true, permissions: -rwxr-xr-x, uid: 7}
- {name: any, path: /bin/app, isExecutableBy: any}
fileContentTests:
- name: motd
  path: /etc/motd
  expectedContents: ['(?m)^version \\d+$', '[[:digit:]]+\\n\\z']
  excludedContents: [beta]
commandTests:
- {name: c, command: sh, args: ["-c", "true"], exitCode: 0, expectedOutput: [x]}
licenseTests: [{debian: true, files: [/etc/licence]}]
metadataTest:
  envVars: [{key: PATH, value: /usr.*, isRegex: true}]
  labels: [{key: team, value: base}]
  exposedPorts: ["80"]
  cmd: []
  workdir: /srv
"""
DOCKERFILES = (
    b"# syntax=docker/dockerfile:1\nARG BASE=debian\nFROM ${BASE} AS build\nWORKDIR /src\n"
    b"COPY go.mod ./\nRUN --mount=type=cache,target=/root/.cache go mod download\n"
    b"COPY --exclude=*.md . .\nENV A=1 B=${A:-x}\nRUN <<EOF\ngo build -o /app .\nEOF\n"
    b'FROM scratch\nCOPY --from=build /app /app\nENTRYPOINT ["/app"]\n',
    b"# escape=`\nFROM a\nRUN one `\n  two\nADD --chmod=644 x y /z/\nONBUILD RUN true\nUSER 1\n"
    b'HEALTHCHECK --interval=3s CMD true\nSHELL ["sh", "-c"]\nLABEL a=b \'c d\'=e\nSTOPSIGNAL 9\n',
)
PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 38,
    "architectures": ["SCMP_ARCH_X86_64"],
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
    "syscalls": [
        {"names": ["read", "clone3", "openat2"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1},
        {"names": ["io_uring_setup"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_X"]},
         "excludes": {"minKernel": "4.8", "arches": ["s390x"]}},
        {"name": "clone", "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
    ],
}  # fmt: skip
VALIDATION_POLICY = b"""name: all
must_run:
- {engines: [docker], kernels: [host, bookworm], go: ">= 1.21"}
setuid: {allow: [/usr/bin/su]}
world_writable: {allow: []}
dates: clamped
wasted: {at_most: 5MB}
size: {at_most: 100MB}
elf: {relro: partial, pie: required, executable_stack: forbid}
findings: no-errors
"""


def _dockerfile(folder: Path) -> Reader:
    """With the files that it names: parsed, advised on, and an edit of a file foretold."""
    for name in ("go.mod", "main.go", "x", "y"):
        (folder / name).write_text(f"{name}\n")
    path = folder / "Dockerfile"

    def take(data: bytes) -> object:
        path.write_bytes(data)
        predicted = lab.predict(path, "main.go", context=folder)
        return (str(predicted), predicted.findings(), str(lab.advise(path, context=folder)))

    return take


def _dockerignore(folder: Path) -> Reader:
    paths = ("a", "a/b/c.go", ".git/config", "node_modules/x/y", "ä/é", "-", "a" * 200)

    def take(data: bytes) -> object:
        rules = dockerignore.parse(data.decode(errors="surrogateescape"))
        return [(rules.excludes(path), rules.may_keep_below(path)) for path in paths]

    return take


def _streams() -> Sequence[bytes]:
    """Each capture's messages as they came over the wire, after the name of its decoder."""
    found = []
    for path in sorted((GOLDEN / "streams").iterdir()):
        kind = next(
            engine
            for sign, engine in (
                ("buildkit", b"docker"), ("legacy", b"docker-classic"), ("", b"podman"),
            )
            if sign in path.name
        )  # fmt: skip
        messages = [json.dumps(message).encode() for _, message in captures.captured(path.stem)]
        found.append(kind + b"\n" + b"\n".join(messages))
    return found


def _stream(folder: Path) -> Reader:
    built = parser.parse(captures.BUILT.format(word="x"))

    def take(data: bytes) -> object:
        name, _, body = data.partition(b"\n")
        engine = name.decode(errors="replace")
        engine = engine if engine in {"docker", "docker-classic", "podman"} else "docker"
        reads = decoder(engine, built)
        assert reads is not None
        recorder = BuildRecorder(built, None)
        chunks = (body[at : at + 777] for at in range(0, len(body), 777))
        for event in read_stream(chunks, reads, 0.0):
            recorder.add(event)
        return recorder.result()

    return take


def _records() -> Sequence[bytes]:
    """A run's head and its builds in one: the first line is run.json."""
    texts = []
    for folder in sorted((ROOT / "tests/fixtures/runs-0.1").iterdir()):
        head = json.dumps(json.loads((folder / "run.json").read_bytes()))
        lines = (folder / "builds.jsonl").read_text().splitlines()[:3]
        texts.append("\n".join([head, *lines, ""]).encode())
    builds = [factories.build(1), factories.build(2, phase="rebuild", status="failed", reason="x")]
    whole: list[Run | Build] = [factories.RUN, *builds]
    texts.append(b"".join(json.dumps(one.to_json()).encode() + b"\n" for one in whole))
    return texts


def _record(folder: Path) -> Reader:
    """Damaged, beside a run that is whole: listed, and reported in every form."""
    results = folder / "results"
    good, bad = results / "20260101-000000-good", results / "20260102-000000-bad"
    for place in (good, bad):
        place.mkdir(parents=True)
    (good / "run.json").write_text(json.dumps(factories.RUN.to_json()))
    (good / "builds.jsonl").write_text(json.dumps(factories.build(1).to_json()) + "\n")

    def take(data: bytes) -> object:
        head, _, builds = data.partition(b"\n")
        (bad / "run.json").write_bytes(head)
        (bad / "builds.jsonl").write_bytes(builds)
        try:
            history.history(results)
        except LabError as error:  # one damaged run must not hide the others
            raise AssertionError(error.message) from error
        stored = runs.read(bad)
        made = compose.from_run(stored)
        texts = [tool_formats.TEXTS[name]([stored]) for name in tool_formats.TEXTS]
        return texts + [
            formats.render(kind, made, stored.builds, [stored.run]) for kind in formats.FILES
        ]

    return take


def _kept() -> Sequence[bytes]:
    """A build's raw messages as a run keeps them: each with the second at which it came."""
    own = b'{"t":0.5,"m":{"schema":"lab.log/1","step":1,"text":"x"}}\n'
    found = [own * 3]
    for path in sorted((GOLDEN / "streams").glob("*fail-run.jsonl")):
        messages = captures.captured(path.stem)
        found.append(
            b"".join(b'{"t":%.6f,"m":%s}\n' % (at, json.dumps(m).encode()) for at, m in messages)
        )
    return [packed for one in found for packed in (one, gzip.compress(one, 1))]


def _kept_stream(folder: Path) -> Reader:
    """Diagnosed: what failed, by what it printed."""
    (folder / "events").mkdir()
    (folder / "Dockerfile").write_text(captures.FAILED.format(word="x"))
    builds = tuple(
        factories.build(
            number, cell={"engine": engine}, status="failed", reason="x", dockerfile="Dockerfile"
        )
        for number, engine in enumerate(("docker", "docker-classic", "podman"), 1)
    )
    stored = runs.StoredRun(run=factories.RUN, builds=builds, folder=folder)

    def take(data: bytes) -> object:
        packed = data if data[:2] == b"\x1f\x8b" else gzip.compress(data, 1)
        for build in builds:
            runs.events_path(folder, build.id).write_bytes(packed)
        return list(diagnose(stored, folder / "none"))

    return take


def _manifests() -> Sequence[bytes]:
    paths = (ROOT / "tests/fixtures/runs-0.1").glob("*/manifests/*.gz")
    packed = [path.read_bytes() for path in sorted(paths)][:4]
    return [*packed, *map(gzip.decompress, packed)]


def _manifest(folder: Path) -> Reader:
    """Explained: why its steps missed, beside a build that is whole."""
    source = next(iter(sorted((ROOT / "tests/fixtures/runs-0.1").iterdir())))
    own = folder / source.name
    shutil.copytree(source, own)
    stored = runs.read(own)
    places = {build.manifest for build in stored.builds if build.manifest}
    place = own / min(places)

    def take(data: bytes) -> object:
        place.write_bytes(data if data[:2] == b"\x1f\x8b" else gzip.compress(data, 1))
        return list(from_run.explanations(stored))

    return take


def _programs() -> Sequence[bytes]:
    """Small programs of this machine, and of its dynamic loader's kind."""
    names = ("/usr/bin/true", "/lib64/ld-linux-x86-64.so.2", "/usr/lib/x86_64-linux-gnu/libdl.so.2")
    found = [Path(name).read_bytes() for name in names if Path(name).exists()]
    return [data for data in found if len(data) < 300_000]


def _program(_: Path) -> Reader:
    def take(data: bytes) -> object:
        found: list[object] = []
        for read in (elf.read, elf.given, elf.calls):
            with suppress(elf.NotElf):
                found.append(read(io.BytesIO(data)))
        return found

    return take


def _archives(folder: Path) -> Callable[[], Sequence[bytes]]:
    def made() -> Sequence[bytes]:
        member, link = image_archives.member, image_archives.link
        layers = [
            image_archives.layer(
                member("usr/bin/app", b"#!/bin/sh\n", mode=0o4755),
                member("etc/passwd", b"root:x:0:0::/:/bin/sh\n"),
                member("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
                link("bin", "usr/bin"),
            ),
            image_archives.layer(member("usr/bin/.wh.app"), member("usr/local/go/VERSION", b"go1")),
        ]
        settings = {"Env": ["PATH=/bin"], "Entrypoint": ["/bin/app"], "Labels": {"a": "b"}}
        path = folder / "made.tar"
        plain = image_archives.archive(path, layers, settings).read_bytes()
        packed = image_archives.archive(path, layers, settings, packed=True).read_bytes()
        return [plain, packed, gzip.compress(plain, 1), layers[0]]

    return made


def _image(folder: Path) -> Reader:
    path, cache = folder / "image.tar", folder / "cache"

    def take(data: bytes) -> object:
        path.write_bytes(data)
        try:
            return inspect(opened(str(path), say=factories.quiet, cache=cache))
        finally:
            shutil.rmtree(cache, ignore_errors=True)

    return take


def _log(folder: Path) -> Reader:
    path = folder / "a.log"

    def take(data: bytes) -> object:
        path.write_bytes(data)
        found = []
        for one in files.read(path, None, None):
            recorder = BuildRecorder(one.dockerfile, one.target)
            for event in one.told():
                recorder.add(event)
            found.append(recorder.result())
        return found

    return take


def _profile(folder: Path) -> Reader:
    def read(path: Path) -> object:
        found = seccomp_profile.read(path)
        return seccomp_profile.predict(found, capabilities=["CAP_X"], kernel="5.10")

    return _at("profile.json", read)(folder)


def _structure(folder: Path) -> Reader:
    image = empty()
    return _at("tests.yaml", lambda path: structure.broken(assertions.load(path), image, None))(
        folder
    )


def table(folder: Path) -> dict[str, Format]:
    """All of them by name; ``folder`` is for what has to be made first."""
    return {
        "scenario": Format(
            corpus=_files("scenarios/*.yaml"), reader=_at("scenario.yaml", scenarios.load)
        ),
        "policy": Format(
            corpus=_files("policies/default.yaml", "policies/field.yaml"),
            reader=_at("policy.yaml", policy_loader.load),
        ),
        "image policy": Format(
            corpus=lambda: [VALIDATION_POLICY, *_files("policies/images.yaml", least=1)()],
            reader=_at("policy.yaml", policy_file.load),
        ),
        "claims": Format(
            corpus=lambda: _sections(ROOT / "scenarios/claims/goroot-report.yaml"),
            reader=_at("claims.yaml", claims.load),
        ),
        "structure tests": Format(corpus=lambda: [STRUCTURE], reader=_structure),
        "Dockerfile": Format(
            corpus=lambda: [*DOCKERFILES, *_files("dockerfiles/*")()], reader=_dockerfile
        ),
        ".dockerignore": Format(
            corpus=lambda: [b"# c\n*.md\n!README.md\n**/node_modules\n/a/[a-z]?\n\\*x\n.git\n"],
            reader=_dockerignore,
        ),
        "engine streams": Format(corpus=_streams, reader=_stream),
        "records": Format(corpus=_records, reader=_record),
        "kept streams": Format(corpus=_kept, reader=_kept_stream),
        "manifests": Format(corpus=_manifests, reader=_manifest),
        "image archives": Format(corpus=_archives(folder), reader=_image),
        "ELF": Format(corpus=_programs, reader=_program),
        "imported logs": Format(corpus=_files("tests/golden/imported/*.*", least=30), reader=_log),
        "seccomp profiles": Format(
            corpus=lambda: [json.dumps(PROFILE).encode(), json.dumps(PROFILE, indent=1).encode()],
            reader=_profile,
        ),
    }


def _sections(path: Path) -> Sequence[bytes]:
    return [path.read_bytes()]
