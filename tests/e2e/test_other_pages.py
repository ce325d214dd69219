"""The pages of `lab validate` and `lab verify` in a browser: axe, dark and narrow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from lab.golang.bench.outcome import Outcome, Series
from lab.golang.claims import loader
from lab.golang.claims.judge import judge, overall
from lab.golang.claims.verify import Verified
from lab.report import claims as claims_report
from lab.report import matrix
from tests.unit.report.test_probes import same, validation


def validated() -> str:
    """Two images, with answers of every tone."""
    calls = {"openat2": same("works", "good"), "clone3": same("ENOSYS", "limit")}
    one = validation({**calls, "bpf": same("EPERM", "bad")})
    one = replace(one, facts=(("glibc", "2.36"),), notes=("asked directly",))
    return matrix.html([one, replace(one, image="j")], "Made now.")


def verified() -> str:
    """Every shipped claim, on figures that bear out some, and with something not measured."""
    claims, _ = loader.load(Path("scenarios/claims/goroot-report.yaml"))
    found = []
    for claim in claims.claims:
        names = {name for one in claim.expect for name in (one.series, one.against) if name}
        outcome = Outcome(
            experiment=claim.experiment,
            settings={},
            series={name: Series(samples=(1.0, 1.1, 1.2) * 3) for name in sorted(names)},
            facts={"disk": "ext4"},
            missing={"xfs": "mkfs.xfs is not here"},
        )
        findings = tuple(judge(one, outcome, None) for one in claim.expect)
        found.append(
            Verified(
                claim=claim,
                answer=overall(findings),
                findings=findings,
                outcome=outcome,
                seconds=1.0,
                ended="2026-11-28T10:00:00+00:00",
            )
        )
    return claims_report.html(claims, found, host={"kernel": "6.1"}, quick=True)


@pytest.mark.parametrize("made", [validated, verified])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(
    browser: Browser, tmp_path: Path, scheme: str, width: int, made: object
) -> None:
    path = tmp_path / "page.html"
    path.write_text(made(), encoding="utf-8")  # type: ignore[operator]  # one of the two above
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]  # playwright's own literal
    page.goto(path.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colour = "getComputedStyle(document.body).backgroundColor"
    assert (page.evaluate(colour) == "rgb(20, 23, 26)") == (scheme == "dark")
    page.get_by_role("button", name="light or dark").click()
    assert (page.evaluate(colour) == "rgb(20, 23, 26)") != (scheme == "dark")
    page.close()
