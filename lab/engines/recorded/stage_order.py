"""Which steps a log of Podman, Buildah or Docker's first builder counts, and how they follow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lab.dockerfile.model import Dockerfile
from lab.dockerfile.parser import KEYWORDS
from lab.engines.podman_text import STEP
from lab.engines.recorded import outline
from lab.engines.recorded.log_lines import Line
from lab.engines.recorded.types import NotRead

_LEFT = re.compile(r"--> ([0-9a-f]{11,64})")
_AS = re.compile(r"FROM (\S+) AS (\S+)", re.IGNORECASE)
_CLASSIC = re.compile(r"Step (\d{1,6})/(\d{1,6}) : (\w.*)")
_NEEDS = re.compile(r"(?:--|,)from=")
_HEX = re.compile(r"[0-9a-f]{64}")
_STAGES = 1_000


@dataclass(slots=True)
class Order:
    """The steps of a log of Podman's, in the order of its lines.

    ``steps`` gives the instruction of a line's number in the list, ``last`` is the last such line.
    ``parallel``: stages were built side by side (`--jobs`), so that a line between steps can be of
    either; ``layered``: each step left an image, as it does not with `--layers=false`.
    """

    dockerfile: Dockerfile
    steps: dict[int, int] = field(default_factory=dict)
    last: int = 0
    parallel: bool = False
    layered: bool = True
    chained: bool = True


@dataclass(slots=True)
class _Walk:
    """The steps so far. ``count`` is how many a stage has, ``left`` the image it last left."""

    stages: int = 0
    texts: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)
    silent: dict[int, bool] = field(default_factory=dict)
    stack: list[int] = field(default_factory=list)
    parallel: bool = False
    layered: bool = True

    def step(self, at: int, match: re.Match[str]) -> None:
        """A line that looks like a step; it is one where its number is due."""
        stage, total = int(match[1] or 1) - 1, int(match[2] or 1)
        number, count = int(match[3]), int(match[4])
        inside = self.texts.get(stage, [])
        keyword = match[5].partition(" ")[0].upper()
        due = number == len(inside) + 1 and number <= count and keyword in KEYWORDS
        if not due or not 0 <= stage < total <= _STAGES or self.stages not in {0, total}:
            return
        if (number == 1) != (keyword == "FROM"):
            return
        self.stages = total
        if number > 2 and not self.silent.get(stage, False):
            self.layered = False
        self.silent[stage] = False
        self._follow(stage, number)
        self.texts.setdefault(stage, []).append((at, f"{keyword}{match[5][len(keyword) :]}"))
        self.count[stage] = count

    def image(self, digest: str) -> None:
        """A step has left its image: that of the stage at work."""
        if not self.stack:
            return
        stage = self.stack[-1]
        self.left[stage], self.silent[stage] = digest, True
        if self._over(stage) and len(self.stack) > 1:
            self.stack.pop()  # a step that waited for this stage goes on

    def _over(self, stage: int) -> bool:
        return len(self.texts.get(stage, ())) >= self.count.get(stage, 1)

    def _follow(self, stage: int, number: int) -> None:
        while self.stack and self.stack[-1] != stage and number > 1:
            if not self._over(self.stack.pop()):
                self.parallel = True
        if self.stack and self.stack[-1] != stage and number == 1:
            waiting = self.stack[-1]
            if self._over(waiting):
                self.stack.pop()
            else:
                text = self.texts[waiting][-1][1]
                self.parallel |= not (text.startswith("FROM ") or _NEEDS.search(text))
        if stage not in self.stack:
            self.stack.append(stage)


def of_podman(lines: list[Line]) -> Order:
    """The order of a log's steps. Raises NotRead where it has none."""
    walk = _Walk()
    for at, line in enumerate(lines):
        if len(line.text) < 1 << 16 and (match := STEP.fullmatch(line.text)):
            if all(len(match[n] or "1") < 7 for n in (1, 2, 3, 4)):
                walk.step(at, match)
        elif left := _LEFT.fullmatch(line.text):
            walk.image(left[1])
    if not walk.texts:
        raise NotRead("no step is counted in it")
    return _order(walk)


def _order(walk: _Walk) -> Order:
    names: list[str] = []
    parents: list[int | None] = []
    texts: list[tuple[int | None, str]] = []
    steps: dict[int, int] = {}
    chained = True
    for stage in range(walk.stages):
        inside = walk.texts.get(stage, [])
        named = _AS.fullmatch(inside[0][1]) if inside else None
        names.append(named[2] if named else f"stage-{stage}")
        parent = _parent(inside[0][1] if inside else "", stage, names, walk)
        parents.append(parent)
        for place, (at, written) in enumerate(inside):
            text = written
            base = _word(written) if place == 0 else ""
            if _HEX.fullmatch(base):
                # Podman names the image that a stage left, another one each time.
                chained = chained and parent is not None
                known = names[parent] if parent is not None else "(an image)"
                text = written.replace(base, known, 1)
            steps[at] = len(texts)
            texts.append((stage, text))
    return Order(
        dockerfile=outline.of_steps(texts, names, parents),
        steps=steps,
        last=max(steps),
        parallel=walk.parallel,
        layered=walk.layered,
        chained=chained,
    )


def _parent(text: str, stage: int, names: list[str], walk: _Walk) -> int | None:
    base = _word(text)
    if _HEX.fullmatch(base):
        return next((n for n in range(stage) if base.startswith(walk.left.get(n, "-"))), None)
    return next((n for n in reversed(range(stage)) if names[n].lower() == base.lower()), None)


def _word(text: str) -> str:
    """What a FROM names."""
    return text.partition(" ")[2].partition(" ")[0]


def of_classic(lines: list[Line]) -> Dockerfile:
    """The steps of a log of Docker's first builder. Raises NotRead where it has none."""
    texts: list[tuple[int | None, str]] = []
    names: list[str] = []
    parents: list[int | None] = []
    for line in lines:
        match = _CLASSIC.fullmatch(line.text)
        if match is None or int(match[1]) != len(texts) + 1:
            continue
        keyword = match[3].split(" ")[0].upper()
        text = f"{keyword}{match[3][len(keyword) :]}"
        if keyword == "FROM":
            named = _AS.fullmatch(text)
            base = _word(text).lower()
            before = [n for n, name in enumerate(names) if name.lower() == base]
            parents.append(before[-1] if before else None)
            names.append(named[2] if named else f"stage-{len(names)}")
        texts.append((len(names) - 1 if names else None, text))
    if not names:
        raise NotRead("no step is counted in it")
    return outline.of_steps(texts, names, parents)
