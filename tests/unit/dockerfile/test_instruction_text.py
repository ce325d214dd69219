"""What readers see of an instruction."""

from __future__ import annotations

from lab.dockerfile.instruction_text import short, untimed
from lab.dockerfile.layouts import parts
from lab.dockerfile.parser import parse


def test_what_the_lab_puts_round_a_command_is_not_shown() -> None:
    """As the layouts write it, and as the parser joins its lines."""
    written = "FROM a\n" + parts.run(*parts.timed("compile", "cd /src && go build -o /app"))
    (*_, one) = parse(written).instructions
    assert untimed(one.text) == "RUN cd /src && go build -o /app"
    assert short(one.text, 80) == "RUN cd /src && go build -o /app"
    plain = "RUN read begin rest < /proc/uptime && true"
    assert untimed(plain) == plain, "somebody else's"


def test_mounts_and_line_ends_do_not_hide_what_a_run_does() -> None:
    text = "RUN --mount=type=cache,target=/a --mount=type=bind,target=/b \\\n  make   all"
    assert short(text.replace("\\\n", ""), 20) == "RUN make all"
    assert short("COPY a-long-name-of-a-file /", 12) == "COPY a-long…"
