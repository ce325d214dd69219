"""Builds and changes of them, made so that only the test knows what was changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.dockerfile.context import Context
from lab.dockerfile.entries import File

FRESH = "mkdir -p /out; cat /proc/sys/kernel/random/uuid > /out/"
NEVER = (10**6,)
# What each engine looks at, from the captured facts of the engines, not from the code under test.
# Podman 4 tells root's files from others', and no two others apart. (Family, first version that
# does, first that does not any more.)
SEES_OWNER: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "docker": ((23,), NEVER),
    "docker-classic": ((0,), NEVER),
    "podman": ((0,), (5,)),
}
CLEANS_PATHS = {"docker", "docker-classic", "podman"}
CHAINS_METADATA = {"docker-classic", "podman", "simulated"}

# (kind, subject, aspect): what must be named, and nothing else
Named = tuple[str, str, str]


@dataclass
class Project:
    """A Dockerfile in parts, its files, its arguments."""

    engine: str
    version: tuple[int, ...]
    number: int
    files: dict[str, File] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    label: str = "0"
    chown: str = "1:1"
    workdir: str = "/w"
    runs: list[str] = field(default_factory=lambda: ["one"])
    last: str = "three"
    taken: str = "/out"
    place: str = "/taken"
    base: int = 0
    swapped: set[frozenset[str]] = field(default_factory=set)
    serial: int = 0

    def fresh(self) -> str:
        self.serial += 1
        return f"n{self.number}x{self.serial}"

    def text(self) -> str:
        runs = [f"RUN : {name}; {FRESH}{name}" for name in self.runs]
        lines = [
            "FROM BASE AS build",
            "ENV " + " ".join(f"{name}={value}" for name, value in self.env.items()),
            "ARG VERSION",
            f"WORKDIR {self.workdir}",
            "COPY src/ /s/",
            f"LABEL project={self.label}",
            *runs[:1],
            "COPY conf/*.txt /conf/",
            *runs[1:],
            "FROM BASE",
            f"COPY --from=build {self.taken} {self.place}",
            f"COPY --chown={self.chown} run.sh /app/",
            f"RUN : {self.last}; {FRESH}{self.last}",
        ]
        return "\n".join(lines) + "\n"

    def context(self) -> Context:
        entries = {path: file for path, file in self.files.items() if path not in self.ignored}
        if self.ignored:
            text = "".join(f"{path}\n" for path in self.ignored)
            entries[".dockerignore"] = File(text.encode())
        return Context(entries)


def project(engine: str, version: tuple[int, ...], number: int) -> Project:
    made = Project(engine, version, number, env={"GOROOT": f"/go{number}", "FLAGS": "a"})
    made.args = {"VERSION": f"v{number}"}
    for path in ("src/a.go", "src/b.go", "src/deep/c.go", "conf/x.txt", "conf/y.txt", "run.sh"):
        made.files[path] = File(f"{path} {number}".encode(), 0o644)
    return made


def _pick(made: Project, rng: random.Random, taken: set[str]) -> str:
    free = sorted(set(made.files) - set(made.ignored) - taken)
    path = rng.choice(free)
    taken.add(path)
    return path


Change = Callable[[Project, random.Random, set[str]], set[Named]]


def _file(made: Project, path: str, **change: object) -> None:
    old = made.files[path]
    values = {"data": old.data, "mode": old.mode, "mtime": old.mtime, "owner": old.owner}
    made.files[path] = File(**(values | change))  # type: ignore[arg-type]  # File's own names


def content(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    path = _pick(made, rng, taken)
    _file(made, path, data=made.fresh().encode())
    return {("file", path, "content")}


def mode(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    path = _pick(made, rng, taken)
    made.serial += 1
    _file(made, path, mode=0o600 + made.serial % 0o177)
    return {("file", path, "mode")}


def owner(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    path = _pick(made, rng, taken)
    made.serial += 1
    root = made.files[path].owner == (0, 0)
    _file(made, path, owner=(made.serial, made.serial))
    since, until = SEES_OWNER.get(made.engine, (NEVER, NEVER))
    seen = since <= made.version < until and (root or made.engine != "podman")
    return {("file", path, "owner")} if seen else set()


def time(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    path = _pick(made, rng, taken)
    made.serial += 1
    _file(made, path, mtime=1_700_000_000 + made.serial)
    return set()


def rename(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    sources = {path for path in made.files if path.startswith("src/")}
    path = rng.choice(sorted(sources - taken - set(made.ignored)))
    new = f"src/{made.fresh()}.go"
    taken |= {path, new}
    made.files[new] = made.files.pop(path)
    return {("file", path, "removed"), ("file", new, "added")}


def new_file(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    path = rng.choice(["src/{}.go", "src/deep/{}.go", "conf/{}.txt"]).format(made.fresh())
    taken.add(path)
    made.files[path] = File(path.encode())
    return {("file", path, "added")}


def ignore(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    path = f"src/{made.fresh()}.log"
    if not made.ignored:
        candidates = sorted({p for p in made.files if p.startswith("src/")} - taken)
        path = rng.choice(candidates)
        made.ignored.append(path)
        taken.add(path)
        return {("file", path, "removed")}
    made.ignored.append(path)  # names no file: nothing that anybody copies has changed
    return set()


def env(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    name = rng.choice(sorted(made.env))
    made.env[name] = f"/{made.fresh()}"
    return {("env", name, "")}


def arg(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    made.args["VERSION"] = made.fresh()
    return {("arg", "VERSION", "")}


def label(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    made.label = made.fresh()
    return {("text", "LABEL", "")} if made.engine in CHAINS_METADATA else set()


def run_text(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    place = rng.randrange(len(made.runs))
    made.runs[place] = made.fresh()
    return {("text", "RUN", "")}


def last_run(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    made.last = made.fresh()
    return {("text", "RUN", "")}


def chown(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    made.serial += 1
    made.chown = f"{made.serial}:{made.serial}"
    return {("text", "COPY", "")}


def workdir(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    made.workdir = f"/{made.fresh()}"
    return {("text", "WORKDIR", "")}


def stage_copy(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    made.place = f"/{made.fresh()}"
    return {("text", "COPY", "")}


def spelling(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    # all builders clean paths; the simulated one sees another text
    made.taken += "/."
    return set() if made.engine in CLEANS_PATHS else {("text", "COPY", "")}


def moved_base(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    made.base += 1
    return {("base", "", "")}


def added(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    name = made.fresh()
    made.runs.insert(rng.randrange(1, len(made.runs) + 1), name)
    return {("added", f"RUN : {name}; {FRESH}{name}", "")}


def removed(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    """The middle of three, and only where it is the older: else a build would be made again."""
    if len(made.runs) < 3 or _age(made.runs[1]) > _age(made.runs[2]):
        return added(made, rng, taken)
    name = made.runs.pop(1)
    return {("removed", f"RUN : {name}; {FRESH}{name}", "")}


def order(made: Project, rng: random.Random, taken: set[str]) -> set[Named]:
    if len(made.runs) < 3 or frozenset(made.runs[-2:]) in made.swapped:
        return added(made, rng, taken)
    made.swapped.add(frozenset(made.runs[-2:]))
    made.runs[-2:] = made.runs[:-3:-1]
    return {("order", "", "")}


def _age(name: str) -> int:
    return int(name.rpartition("x")[2])


ANYWHERE: tuple[Change, ...] = (
    content, content, mode, owner, time, rename, new_file, ignore, env, arg, label, workdir,
)  # fmt: skip
ALONE: tuple[Change, ...] = (
    run_text, last_run, chown, stage_copy, spelling, moved_base, added, order, removed,
)  # fmt: skip


def cases(rng: random.Random, count: int) -> list[tuple[Change, ...]]:
    """Changes for each case: one, two or three at once; those that share a cause kind not twice."""
    found: list[tuple[Change, ...]] = [(one,) for one in dict.fromkeys((*ANYWHERE, *ALONE))]
    while len(found) < count:
        wanted = rng.choice((2, 3))
        picked = rng.sample(sorted({*ANYWHERE}, key=lambda one: one.__name__), wanted - 1)
        found.append((*picked, rng.choice(ALONE)))
    rng.shuffle(found)
    return found
