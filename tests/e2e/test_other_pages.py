"""The page of `lab validate` in a browser: axe, dark and narrow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from lab.report import matrix
from tests.unit.report.test_probes import same, validation


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_on_a_validation(
    browser: Browser, tmp_path: Path, scheme: str, width: int
) -> None:
    one = validation({"openat2": same("works", "good"), "clone3": same("ENOSYS", "limit")})
    path = tmp_path / "validate.html"
    path.write_text(matrix.html([one, replace(one, image="j")]), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]  # playwright's own literal
    page.goto(path.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(20, 23, 26)") == (scheme == "dark")
    page.close()
