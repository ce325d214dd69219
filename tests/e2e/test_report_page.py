"""The report's page as its readers meet it: in a real browser, from disk, with mouse and keys.

What is expected is counted from the builds that the page was made of, not asked from the page.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from lab.model.record import Build
from lab.model.remote_cache import Remote
from lab.report import compose, html, live_state
from lab.report.server import Server
from lab.results import store
from lab.results.runs import StoredRun
from tests.factories import run as a_run
from tests.report_runs import EVIL, stored
from tests.unit.results.test_fresh_jobs import run as fresh_runs

DRAWN = "() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"
TILE = "figure[id^=heat] .mark-rect.role-mark path"


@dataclass(slots=True)
class Watched:
    """A page, and all that it did which a report must not do."""

    page: Page
    wrongs: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda said: self.wrongs.append(f"console: {said.text}"))
        self.page.on("pageerror", lambda error: self.wrongs.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.wrongs.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda asked: self.wrongs.append(f"request: {asked.url}"))

    def ready(self) -> None:
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)

    def turn(self) -> str:
        return self.page.evaluate("document.body.dataset.ready") or ""

    def after(self, turn: str) -> None:
        """Wait until a filter has been answered."""
        self.page.wait_for_function("turn => document.body.dataset.ready !== turn", arg=turn)


def two_groups(text: str = "RUN go build ./...", name: str = "layer-cache") -> StoredRun:
    """The unit tests' run on two bases."""
    one = stored(text, name)
    again = [
        replace(b, id=f"{b.id}-trixie", cell={**b.cell, "base": "trixie"})
        for b in one.builds
        if b.status == "ok"
    ]
    return replace(one, builds=(*one.builds, *again))


@pytest.fixture(scope="module", params=["plain", "evil"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    runs = {"plain": two_groups(), "evil": two_groups(EVIL, EVIL)}
    for name, one in runs.items():
        made = compose.from_run(one)
        text = html.render(made.model, made.charts)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in runs}


def opened(browser: Browser, path: Path, link: str = "", **context: object) -> Watched:
    page = browser.new_page(**context)  # type: ignore[arg-type]  # playwright's own options
    watched = Watched(page)
    page.goto("about:blank")
    watched.watch()
    page.goto(path.as_uri() + link)
    watched.ready()
    asked = [wrong for wrong in watched.wrongs if wrong.startswith("request: file://")]
    watched.wrongs = [wrong for wrong in watched.wrongs if wrong not in asked]
    assert len(asked) == 1
    return watched


@pytest.fixture
def page(browser: Browser, files: dict[str, Path], kind: str) -> Iterator[Watched]:
    watched = opened(browser, files[kind], viewport={"width": 1280, "height": 900})
    yield watched
    watched.page.close()
    assert watched.wrongs == []


def test_every_chart_is_drawn(page: Watched) -> None:
    groups, phases, engines = 2, 2, 2
    assert page.page.locator(TILE).count() == groups * phases * engines  # one step has an outcome
    for chart in ("wall", "saved", "size"):
        points = page.page.locator(f"figure[id^={chart}] .mark-symbol.role-mark path")
        assert points.count() == groups * phases * engines * 3  # rounds
    bars = page.page.locator("#waterfall .mark-rect.role-mark path")
    assert bars.count() == 1


def test_markup_in_names_is_never_run(page: Watched, kind: str) -> None:
    names = page.page.evaluate("[...document.querySelectorAll('*')].map(one => one.tagName)")
    assert names.count("SCRIPT") == 3  # data, specs, and the page's own
    assert not {"IMG", "IFRAME", "OBJECT", "EMBED"} & set(names)
    assert names.count("H1") == 1
    if kind == "evil":
        page.page.locator("#heat-1 details summary").click()
        assert "<script>alert(1)</script>" in page.page.inner_text("#heat-1 details table")


def test_the_policy_stops_what_found_a_way_in(browser: Browser, files: dict[str, Path]) -> None:
    text = files["plain"].read_text(encoding="utf-8")
    path = files["plain"].with_name("broken.html")
    attack = "<script>window.in = 1</script><img src=x onerror='window.in = 1'>"
    path.write_text(text.replace("<main>", f"<main>{attack}"), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    assert page.evaluate("window.in") is None
    page.close()


def test_hovering_tells_what_a_mark_stands_for(page: Watched) -> None:
    page.page.locator(TILE).first.scroll_into_view_if_needed()
    page.page.evaluate(DRAWN)  # what scrolls hides the tip, and tells of it with the next frame
    box = page.page.locator(TILE).first.bounding_box()
    assert box is not None
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.page.locator("#tip")
    tip.wait_for(state="visible")
    assert "cold, docker: miss 3/3" in tip.inner_text()
    page.page.mouse.move(2, 2)
    assert not tip.is_visible()


def test_keys_walk_through_a_chart(page: Watched) -> None:
    plot = page.page.locator("#heat-1 .plot")
    plot.focus()
    page.page.keyboard.press("ArrowRight")
    first = page.page.inner_text("#said")
    assert "docker: miss 3/3" in first
    page.page.keyboard.press("End")
    assert page.page.inner_text("#said") != first
    assert page.page.locator("#heat-1 .at").count() == 1
    page.page.keyboard.press("Escape")
    assert not page.page.locator("#tip").is_visible()


def test_a_filter_leaves_what_was_asked_for(page: Watched) -> None:
    turn = page.turn()
    page.page.get_by_label("podman", exact=True).uncheck()
    page.after(turn)
    assert page.page.locator(TILE).count() == 4
    rows = page.page.locator("#results tbody tr:visible")
    assert rows.count() == 4
    turn = page.turn()
    page.page.get_by_label("trixie", exact=True).uncheck()
    page.after(turn)
    assert (rows.count(), page.page.locator(TILE).count()) == (2, 2)
    turn = page.turn()
    page.page.get_by_label("find a step").fill("no such step")
    page.after(turn)
    assert page.page.locator("#heat-1 .plot.empty").count() == 1
    turn = page.turn()
    page.page.get_by_role("button", name="show all").click()
    page.after(turn)
    assert (rows.count(), page.page.locator(TILE).count()) == (8, 8)


def test_the_table_sorts_by_its_numbers_with_the_keyboard(page: Watched) -> None:
    page.page.get_by_role("button", name="wall").focus()
    walls = (
        "[...document.querySelectorAll('#results tbody tr')].map(r => +r.children[3].dataset.key)"
    )
    page.page.keyboard.press("Enter")
    assert page.page.evaluate(walls) == sorted(page.page.evaluate(walls))
    page.page.keyboard.press("Enter")
    assert page.page.evaluate(walls) == sorted(page.page.evaluate(walls), reverse=True)


def test_a_charts_data_is_a_table(page: Watched) -> None:
    page.page.locator("#wall-1 details summary").focus()
    page.page.keyboard.press("Enter")
    lines = page.page.locator("#wall-1 details tbody tr")
    lines.first.wait_for()
    assert lines.count() == 4
    assert "10.2 s (10.1\u201310.3 s, n=3)" in page.page.inner_text("#wall-1 details table")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(
    browser: Browser, files: dict[str, Path], scheme: str, width: int
) -> None:
    watched = opened(
        browser, files["plain"], viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    watched.page.locator("#wall-1 details summary").click()
    told = Axe().run(watched.page)
    assert told.violations_count == 0, told.generate_report()
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_chart_of_times_is_wider_than_its_card(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    """Names of phases and columns leave the times their room, however long they are."""
    one, names = two_groups(), {"docker": "stage-images", "podman": "podman-registry"}
    builds = [
        replace(
            build,
            cell=build.cell | {"engine": names[build.cell["engine"]]},
            phase=build.phase.replace("rebuild", "edit:many-sources"),
        )
        for build in one.builds
    ]
    run = replace(one.run, axes={**one.run.axes, "engine": tuple(names.values())})
    made = compose.from_run(replace(one, run=run, builds=tuple(builds)))
    (tmp_path / "long.html").write_text(html.render(made.model, made.charts), encoding="utf-8")
    watched = opened(browser, tmp_path / "long.html", viewport={"width": width, "height": 900})
    wide = (
        "[...document.querySelectorAll('#walls .plot')].map(one => one.scrollWidth - "
        "one.clientWidth)"
    )
    assert watched.page.evaluate(wide) == [0, 0]
    assert "edit:many-sou" in watched.page.inner_text("#walls")
    watched.page.close()


def test_a_link_leads_to_its_chart(browser: Browser, files: dict[str, Path]) -> None:
    size = {"width": 1280, "height": 500}
    watched = opened(browser, files["plain"], "#size-2", viewport=size)
    watched.page.wait_for_function(
        "document.getElementById('size-2').getBoundingClientRect().top < innerHeight"
    )
    watched.page.close()
    watched = opened(browser, files["plain"], "#build-3", viewport=size)
    watched.page.wait_for_function("document.getElementById('build').value === '2'")
    watched.page.close()


def test_paper_gets_the_charts_and_no_controls(browser: Browser, files: dict[str, Path]) -> None:
    watched = opened(browser, files["plain"], color_scheme="dark")
    watched.page.emulate_media(media="print")
    assert not watched.page.locator("#filter").is_visible()
    assert watched.page.locator(TILE).first.is_visible()
    paper = "getComputedStyle(document.body).backgroundColor"
    assert watched.page.evaluate(paper) == "rgb(255, 255, 255)"
    assert watched.page.pdf().count(b"/Type /Page\n") >= 1
    watched.page.close()


def test_paper_is_unfolded_and_the_screen_folded_again(
    browser: Browser, files: dict[str, Path]
) -> None:
    watched = opened(browser, files["plain"], viewport={"width": 720, "height": 1000})
    folded, unfolded = (
        watched.page.locator(f"main details:not(.data, #filters){state}")
        for state in (":not([open])", "[open]")
    )
    expect(folded).to_have_count(3)  # where the time went, of two groups, and the scenario
    watched.page.emulate_media(media="print")
    expect(unfolded).to_have_count(3)
    wider = """[...document.querySelectorAll("main *")].filter(one =>
        one.getBoundingClientRect().right > innerWidth + 1 && !one.closest("svg, .unseen"))"""
    assert watched.page.evaluate(f"{wider}.map(one => one.outerHTML.slice(0, 80))") == []
    watched.page.emulate_media(media="screen")
    expect(folded).to_have_count(3)
    watched.page.close()


def test_all_groups_come_on_one_page(browser: Browser, tmp_path: Path) -> None:
    one = stored()
    bases = [f"base{number}" for number in range(7)]
    many = [
        replace(build, id=f"{build.id}-{base}", cell={**build.cell, "base": base})
        for base in bases
        for build in one.builds
    ]
    made = compose.from_run(replace(one, builds=tuple(many)))
    path = tmp_path / "many.html"
    path.write_text(html.render(made.model, made.charts), encoding="utf-8")
    watched = opened(browser, path)
    assert watched.page.locator("#groups > section").count() == 3
    turn = watched.turn()
    watched.page.get_by_role("button", name="all on one page").click()
    watched.after(turn)
    assert watched.page.locator("#groups > section").count() == len(bases)
    watched.page.close()
    assert watched.wrongs == []


def test_the_table_of_caches_fits_a_laptops_screen(browser: Browser, tmp_path: Path) -> None:
    """With other counts in its rows, which it then cannot say once for all, and ranges in all."""
    builds = [
        replace(one, fit="unfit: load", remote=remote(one))
        for one in fresh_runs(none=41.1, stage_images=10.1, registry_max=30.3)
    ]
    stored = StoredRun(run=a_run(), builds=tuple(builds[:-1]), folder=tmp_path, notes=())
    made = compose.from_run(stored)
    path = tmp_path / "report.html"
    path.write_text(html.render(made.model, made.charts), encoding="utf-8")
    watched = opened(browser, path, viewport={"width": 1280, "height": 900})
    over = "[...document.querySelectorAll('#caches .card')].map(o => o.scrollWidth - o.clientWidth)"
    assert "n=7" in watched.page.locator("#caches").inner_text()
    assert watched.page.evaluate(over) == [0]


def remote(one: Build) -> Remote | None:
    """What it moved, a little more in each round."""
    more = one.round * 111_000
    return one.remote and replace(
        one.remote,
        export_s=12 + one.round / 10,
        down_bytes=5_000_000 + more,
        up_bytes=6_000_000 + more,
    )


def test_axe_finds_nothing_on_any_page_of_the_server(browser: Browser, tmp_path: Path) -> None:
    one = two_groups(EVIL, EVIL)
    with store.create(tmp_path, one.run) as writer:
        for build in one.builds:
            writer.append(build, "FROM base\n")
        writer.finish("complete")
    steps = [{"index": 0, "instruction": EVIL, "start": 0.5, "end": None, "outcome": None}]
    told = {"build": "b", "phase": "cold", "cell": {"engine": "docker"}, "began": 0.0}
    told |= {"pid": os.getpid(), "done": 1, "total": 4, "steps": steps}
    (tmp_path / one.run.id / live_state.FILE).write_text(json.dumps(told))
    with Server(tmp_path, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        scenario = quote(one.run.scenario.name, safe="")
        for path in ("", f"runs/{one.run.id}", f"trend/{scenario}", f"live/{one.run.id}"):
            for scheme, width in (("light", 1280), ("dark", 390)):
                size = {"width": width, "height": 900}
                page = browser.new_page(viewport=size, color_scheme=scheme)
                watched = Watched(page)
                watched.watch()
                page.goto(server.url + path)
                if path:
                    watched.ready()
                found = Axe().run(page)
                assert found.violations_count == 0, found.generate_report()
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
                page.close()
                strays = [said for said in watched.wrongs if f"request: {server.url}" not in said]
                assert strays == []
        server.shutdown()
        thread.join()
