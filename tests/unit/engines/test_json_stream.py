"""Messages out of a response: whatever the chunks, the same objects, live and in bounded memory."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.engines.json_stream import StreamError, messages

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=6)


@pytest.mark.slow
@given(OBJECTS, st.sampled_from([b"", b"\n", b"\r\n", b" \t\n"]), st.data())
def test_objects_come_out_as_they_went_in(
    objects: list[dict[str, object]], between: bytes, data: st.DataObject
) -> None:
    whole = b"".join(json.dumps(one).encode() + between for one in objects)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    edges = [0, *cuts, len(whole)]
    chunks = [whole[a:b] for a, b in pairwise(edges)]
    assert [json.loads(one) for one in messages(chunks)] == objects


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_survived(chunks: list[bytes]) -> None:
    for one in messages(chunks):
        assert one.startswith(b"{")
        assert one.endswith(b"}")


def test_a_message_is_told_before_the_next_chunk_is_asked_for() -> None:
    asked = []

    def chunks():
        for chunk in (b'{"a":1}\r\n{"b', b'":2}', b'{"c":'):
            asked.append(chunk)
            yield chunk

    stream = messages(chunks())
    assert next(stream) == b'{"a":1}'
    assert len(asked) == 1
    assert next(stream) == b'{"b":2}'
    assert len(asked) == 2
    assert list(stream) == []


def test_a_message_without_end_is_refused() -> None:
    with pytest.raises(StreamError, match="longer than 100 bytes"):
        list(messages([b'{"a":"', *[b"x" * 50] * 3], limit=100))


def test_a_long_message_in_small_chunks_costs_its_length() -> None:
    body = b'{"aux":"' + b'x\\"' * 100_000 + b'"}'
    assert list(messages(body[n : n + 64] for n in range(0, len(body), 64))) == [body]
