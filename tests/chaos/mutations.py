"""Damage to a file of any format, by a seed: what disks, networks, editors and attackers do."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytes], bytes]

# Values at which parsers break: of another type, at an edge, in another alphabet.
ODD: Sequence[bytes] = (
    b"", b"null", b"true", b"-1", b"0", b"1e999", b"-0.0", b"9" * 400, b"1" + b"0" * 4400, b"NaN",
    b"[]", b"{}", b"[[]]", b'""', b'"\\ud800"', b"\x00", b"\x1b[2J", b"..", b"../" * 40, b"/", b"~",
    b"\xff\xfe", b"\xed\xa0\x80", "\u202e\u2028".encode(), b"*", b"**/", b"[", b"(a+)+$", b"\\",
    b"${A:-${A}}", b"<<EOF\n", b"\r", b"\t", b"&a [*a]", b"!!python/none x", b"2026-13-45",
    b"<script>", b"%s%n", b"1_000", b"0x", b"\xef\xbb\xbf", b"x" * 70_000,
)  # fmt: skip
_ODD_VALUES: Sequence[object] = (
    None, True, 0, -1, 1.5, 1e308, 10**400, "", "x" * 9000, "\x00\x1b[2J", "../..", [], {}, [[]],
    [None], {"": None}, "NaN", "\ud800", -(2**63), 2**64,
)  # fmt: skip
_WORD = re.compile(rb"[\w.-]+|\S")


def mutate(dice: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """One to four mutations of ``data``; ``others`` are files to take pieces from."""
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
        if dice.random() < 0.1:
            data = _spliced(dice, data, dice.choice(others))
        else:
            data = dice.choice(_MUTATIONS)(dice, data)
    return data


def _spliced(dice: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: dice.randint(0, len(data))] + other[dice.randint(0, len(other)) :]


def _span(dice: random.Random, data: bytes) -> tuple[int, int]:
    start = dice.randint(0, len(data))
    return start, min(len(data), start + int(dice.expovariate(1 / 12)))


def _bits(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        if changed:
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _bytes(dice: random.Random, data: bytes) -> bytes:
    start, end = _span(dice, data)
    return data[:start] + dice.randbytes(end - start) + data[end:]


def _cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randint(0, len(data))]


def _without(dice: random.Random, data: bytes) -> bytes:
    start, end = _span(dice, data)
    return data[:start] + data[end:]


def _twice(dice: random.Random, data: bytes) -> bytes:
    start, end = _span(dice, data)
    return data[:end] + data[start:end] * dice.choice((1, 2, 300)) + data[end:]


def _odd(dice: random.Random, data: bytes) -> bytes:
    start, end = _span(dice, data)
    return data[:start] + dice.choice(ODD) + data[dice.choice((start, end)) :]


def _word(dice: random.Random, data: bytes) -> bytes:
    """A word of the text is another: an odd one, or one that stands elsewhere."""
    if len(data) > 100_000 or not (words := list(_WORD.finditer(data))):
        return data
    found = dice.choice(words)
    new = dice.choice(ODD) if dice.random() < 0.6 else dice.choice(words)[0]
    return data[: found.start()] + new + data[found.end() :]


def _line(dice: random.Random, data: bytes) -> bytes:
    """Lines change places, go, or come twice."""
    lines = data.split(b"\n")
    at, to = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(3):
        case 0:
            lines[at], lines[to] = lines[to], lines[at]
        case 1:
            del lines[at]
        case _:
            lines.insert(to, lines[at])
    return b"\n".join(lines)


def _json_value(dice: random.Random, data: bytes) -> bytes:
    """A value somewhere in JSON, or in a line of JSON, is of another type, or gone."""
    lines = [data] if data[:2] in {b"{\n", b"[\n"} else data.split(b"\n")
    at = dice.randrange(len(lines))
    try:
        whole = json.loads(lines[at])
    except (ValueError, RecursionError):
        return data
    place = whole
    while isinstance(place, dict | list) and place:
        key = dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
        inner = place[key]  # type: ignore[index]  # a key of a dict, a place of a list
        if not (isinstance(inner, dict | list) and inner) or dice.random() < 0.25:
            if dice.random() < 0.2:
                del place[key]  # type: ignore[arg-type]  # as above
            else:
                place[key] = dice.choice(_ODD_VALUES)  # type: ignore[index]  # as above
            break
        place = inner
    lines[at] = json.dumps(whole).encode()
    return b"\n".join(lines)


_MUTATIONS: Sequence[Mutation] = (
    _bits, _bytes, _cut, _without, _twice, _odd, _odd, _word, _word, _line,
    _json_value, _json_value,
)  # fmt: skip
