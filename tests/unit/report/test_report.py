"""Reports: the numbers with their spread, and no foreign text that becomes markup."""

from __future__ import annotations

import html.parser
import io
import json
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.host import signals
from lab.model.units import seconds
from lab.report import compose, formats, markdown, markdown_text, setting, terminal
from lab.report import html as page
from lab.report.formatting import clean, one_line, outcomes, percent, spread
from lab.report.live import Live, Progress
from lab.results import store
from lab.results.runs import StoredRun
from lab.results.stats import summary
from tests.report_runs import EVIL, build, builds, run, stored

GOLDEN = Path(__file__).parents[2] / "golden"


def shown(found: StoredRun) -> str:
    out = io.StringIO()
    terminal.show(compose.from_run(found).model, out)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def rendered(found: StoredRun) -> str:
    made = compose.from_run(found)
    return page.render(made.model, made.charts)


def made(kind: str) -> str:
    found = stored()
    if kind == "md":
        return markdown.render(compose.from_run(found).model)
    if kind == "html":
        # What is read, without style and script; the page's data is JSON of one line.
        text = re.sub(r"(?s)<style>.*?</style>|<script>.*?</script>", "", rendered(found))
        text = re.sub(r'(?s)(id="specs">).*?</script>', r"\1</script>", text)
        return re.sub(r"sha256-[^&]*&", "sha256-...&", text)
    return shown(found)


@pytest.mark.parametrize("kind", ["md", "html", "txt"])
def test_golden(kind: str) -> None:
    """LAB_GOLDEN=write writes them anew."""
    golden = GOLDEN / f"report.{kind}"
    if os.environ.get("LAB_GOLDEN") == "write":
        golden.write_text(made(kind))
    assert made(kind) == golden.read_text()


def test_numbers_have_spread_and_count() -> None:
    assert spread(summary([1.0, 1.2, 1.1]), seconds) == "1.1 s (1\u20131.2 s, n=3)"
    assert spread(summary([0.5, 1.2]), seconds) == "850 ms (500 ms\u20131.2 s, n=2)"
    assert spread(summary([2.0]), seconds) == "2 s (n=1)"
    assert spread(summary([2.0, 2.0]), seconds) == "2 s (n=2, equal)"
    assert spread(None, seconds) == "\u2013"
    assert spread(summary([-0.14, -0.01]), percent) == "-8 % (-14 to -1 %, n=2)"
    assert outcomes({"hit": 2, "miss": 1}) == "hit 2/3, miss 1/3"
    assert percent(-0.001) == "0 %"


def test_clean_leaves_nothing_to_obey() -> None:
    assert (
        clean("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x9b2Jx") == "red link x"
    )
    assert clean("50 %\r100 %\r\nend\x00") == "50 %\n100 %\nend"
    assert one_line("a\n\tb  c" + "x" * 200, 6) == "a b c\u2026"


@given(st.text())
def test_clean_is_idempotent_and_has_no_controls(text: str) -> None:
    found = clean(clean(text))
    assert found == clean(text)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in found)


class Tags(html.parser.HTMLParser):
    """The elements and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs


def test_foreign_text_cannot_become_html() -> None:
    found = stored(EVIL, EVIL)
    text = rendered(found)
    tags, plain = Tags(), Tags()
    tags.feed(text)
    plain.feed(rendered(stored()))
    assert tags.names == plain.names
    assert {"a", "img", "iframe", "object"} & set(tags.names) == {"a"}
    addresses = {value for name, value in tags.attributes if name in {"src", "href", "action"}}
    assert addresses == {"#results", "data:,"}
    assert not any(name.startswith("on") for name, _ in tags.attributes)
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_the_pages_data_ends_only_where_it_should() -> None:
    text = rendered(stored(EVIL, EVIL))
    (data,) = re.findall(r'(?s)id="data">(.*?)</script>', text)
    assert "<" not in data
    texts = json.loads(data)["texts"]
    assert any("</pre><script>alert(1)</script>" in one for one in texts)


def test_foreign_text_cannot_become_markdown() -> None:
    text = markdown.render(compose.from_run(stored(EVIL, EVIL)).model)
    outside, fence = [], None
    for line in text.splitlines():
        ticks = len(line) - len(line.lstrip("`"))
        if fence is None and ticks >= 3:
            fence = ticks
        elif fence is not None and ticks >= fence and not line.strip("`"):
            fence = None
        elif fence is None:
            outside.append(line)
    assert fence is None
    assert not any("<script" in line or "![" in line or "`" in line for line in outside)
    rows = [line.count("|") for line in outside if line.startswith("|")]
    plain = markdown.render(compose.from_run(stored()).model).splitlines()
    assert rows == [line.count("|") for line in plain if line.startswith("|")]


@given(st.text(alphabet="|`*_<>[]()!#\\~-=:&\n x1@h.tps/w", max_size=40))
def test_escape_leaves_no_markup(text: str) -> None:
    found = markdown_text.escape(text)
    assert not set(found) & set("|`*_<>[]!\\~@\n")
    assert found[:1] not in set("-+=:")


def test_foreign_text_cannot_become_rich_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(stored(EVIL, EVIL))
    assert "\x1b" not in text
    assert "[red]y[/]" in text
    told, _, commands = text.partition("to repeat\n")
    told = "\n".join(line for line in told.splitlines() if "by hand: " not in line)
    assert max(len(line) for line in told.splitlines()) <= 100
    assert len(commands.splitlines()) == 1  # to be pasted whole


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def tty(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name, value in {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_terminal_gets_colour_unless_it_is_unwanted(
    tty: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.show(compose.from_run(stored()).model, tty)
    assert "\x1b[32m" in tty.getvalue()
    assert max(len(clean(line)) for line in tty.getvalue().splitlines()) <= 80
    monkeypatch.setenv("NO_COLOR", "1")
    other = Terminal()
    terminal.show(compose.from_run(stored()).model, other)
    assert "\x1b[32m" not in other.getvalue()


@pytest.mark.slow
def test_reports_are_written_into_the_runs_folder(tmp_path: Path) -> None:
    with store.create(tmp_path, run()) as writer:
        for one in builds():
            writer.append(one, "FROM base\n")
        writer.finish("complete")
    paths = {path.name: path for path in formats.write_defaults(store.load("latest", tmp_path))}
    assert set(paths) == {"report.md", "report.html", "report.svg", "report.png"}
    assert {path.parent for path in paths.values()} == {writer.folder}
    assert all("layer-cache" in paths[name].read_text() for name in ("report.md", "report.html"))
    assert "(report.svg)" in paths["report.md"].read_text()


def test_a_run_without_any_build_has_a_report() -> None:
    empty = StoredRun(run=replace(run(), status="partial"), builds=(), folder=Path())
    model = compose.from_run(empty).model
    assert "partial" in rendered(empty)
    assert "partial" in markdown.render(model)
    assert "partial" in shown(empty)


CELL: Mapping[str, str] = {"engine": "docker", "base": "bookworm"}


def test_plain_lines_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    with Live(2, stream=out) as live:
        live.say("making base bookworm")
        live.begin("b", CELL, "cold", 2)
        live.step("RUN x")
        live.done(build("docker", "cold", 1))
        live.done(builds(EVIL)[-1])
    lines = out.getvalue().splitlines()
    assert lines[0] == "making base bookworm"
    assert lines[1].startswith("[1/2] docker bookworm cold round 1: 10.1 s, hits 0/1, elapsed 0:0")
    assert lines[2].startswith("[2/2] podman bookworm </pre>")
    assert len(lines) == 3


@pytest.mark.parametrize("quiet", [True, False])
def test_a_terminal_gets_a_view_unless_quiet(tty: Terminal, quiet: bool) -> None:
    with Live(2, stream=tty, quiet=quiet) as live:
        live.say(EVIL)
        live.begin("b", CELL, "cold", 2)
        live.step(f"RUN {EVIL} {'x' * 100}")
        live.done(build("docker", "cold", 1))
        live.begin("b", CELL, "rebuild", 2)
        live.step("RUN y")
    assert ("\x1b" in tty.getvalue()) != quiet
    assert "1/2" in tty.getvalue()
    assert max(len(line) for line in clean(tty.getvalue()).split("\n")) <= 80 or quiet


def test_the_view_says_at_once_that_the_end_is_under_way(
    tty: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clearing engines away takes up to a minute, and the view is drawn until then."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(signals._Shield, "ended", False)
    try:
        signals.install(quiet=True)
        with Live(1, stream=tty) as live:
            live.begin("b", CELL, "cold", 2)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert "stopping: clearing the engines away" in tty.getvalue()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_time_left_comes_from_the_builds_so_far() -> None:
    now = [0.0]
    progress = Progress(3, clock=lambda: now[0])
    assert progress.left is None
    progress.begin(CELL, "cold", 1)
    now[0] = 10.0
    progress.done(build("docker", "cold", 1))
    assert (progress.elapsed, progress.left) == (10.0, 20.0)
    progress.begin(CELL, "rebuild", 1)
    now[0] = 14.0
    assert progress.left == 16.0


def test_a_registrys_image_was_not_read_and_is_named_in_full() -> None:
    told = {"name": "ours", "ref": "registry.example/base:1", "digest": "registry.example/base:1"}
    base = setting.base(told | {"origin": "registry", "glibc": None, "go": None})
    assert base == "ours: registry.example/base:1, glibc not read (in a registry)"
    assert "glibc none found in it" in setting.base({"name": "musl", "origin": "archive a.tar"})
