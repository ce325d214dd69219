"""What a measurement says between its rounds."""

from __future__ import annotations

from lab.golang.bench.rounds import rounds


def test_the_time_left_is_what_the_rounds_so_far_took() -> None:
    now, said = [100.0], list[str]()
    for _ in rounds(4, said.append, lambda: now[0]):
        now[0] += 10
    assert [line.partition(",")[0] for line in said] == [f"round {n} of 4" for n in range(1, 5)]
    assert "left" not in said[0], "nothing is known yet"
    assert [line.partition(", about ")[2] for line in said[1:]] == [
        "30 s left",
        "20 s left",
        "10 s left",
    ]
