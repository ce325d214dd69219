"""What a base upgrade changes, on images made by hand; no daemon, no network."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli.main import main
from lab.report import upgrade
from lab.validate.changes import Change, Section, Upgrade
from tests.image_archives import archive, layer, link, member

STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"
PROGRAM = Path("/bin/true").read_bytes()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))


def old_and_new(tmp_path: Path) -> tuple[str, str]:
    shared = layer(member("usr/share/shared", b"x" * 2000))
    old = layer(
        member("var/lib/dpkg/status", (STATUS.format("a", "1") + STATUS.format("b", "1")).encode()),
        member("etc/passwd", b"root:x:0:0:root:/root:/bin/bash\nold:x:7:7::/:/bin/sh\n"),
        member("usr/bin/su", PROGRAM, mode=0o4755),
        member("usr/bin/gone", b"#!/bin/sh\n", mode=0o755),
    )
    new = layer(
        member("var/lib/dpkg/status", (STATUS.format("b", "2") + STATUS.format("c", "1")).encode()),
        member("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
        member("usr/bin/su", PROGRAM, mode=0o755),
        member("usr/bin/mount", PROGRAM, mode=0o4755),
        link("usr/bin/come", "su"),
        member("srv/big", b"x" * 300_000),
    )
    before = archive(tmp_path / "old.tar", [shared, old], {"Env": ["PATH=/bin", "A=1"]})
    after = archive(tmp_path / "new.tar", [shared, new], {"Env": ["PATH=/bin"], "User": "9"})
    return str(before), str(after)


def told(tmp_path: Path, capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["compare", "--axis", "base", *given, "--results", str(tmp_path / "results")])
    said = capsys.readouterr()
    code = stop.value.code
    assert isinstance(code, int)
    return code, said.out, said.err


def test_every_kind_of_change_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(tmp_path, capsys, *old_and_new(tmp_path), "--json")
    assert code == 0
    (found,) = json.loads(out)
    assert (found["schema"], found["before"], found["after"]) == (
        "lab.upgrade/1",
        "old.tar",
        "new.tar",
    )
    sections = {
        one["name"]: {each["name"]: (each["before"], each["after"]) for each in one["changes"]}
        for one in found["sections"]
    }
    heads = {one["name"]: one["headline"] for one in found["sections"]}
    assert sections["packages"] == {"a": ("1", None), "b": ("1", "2"), "c": (None, "1")}
    assert heads["packages"] == "1 lost, 1 new, 1 of another version"
    assert sections["users and groups"] == {
        "user old": ("7:7 / /bin/sh", None),
        "user root": ("0:0 /root /bin/bash", "0:0 /root /bin/sh"),
    }
    assert sections["setuid and writable"] == {
        "setuid /usr/bin/su": ("there", None),
        "setuid /usr/bin/mount": (None, "there"),
    }
    assert sections["commands"] == {
        "gone": ("there", None),
        "come": (None, "there"),
        "mount": (None, "there"),
    }
    assert sections["settings"] == {"Env A": ("1", None), "User": (None, "9")}
    assert heads["layers"].startswith("1 of 2 layers stay; every step after FROM is made again")
    assert len(sections["layers"]) == 2, "the layer that both have is none that is lost"
    assert heads["glibc"] == "none in both"
    assert heads["system calls"] == "not read: an image has no C library of x86-64"
    assert "+" in heads["size"]


def test_an_image_against_itself_has_changed_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, _ = old_and_new(tmp_path)
    _, out, _ = told(tmp_path, capsys, old, old, "--json")
    (found,) = json.loads(out)
    assert [one["changes"] for one in found["sections"]] == [[]] * len(found["sections"])
    layers = next(one for one in found["sections"] if one["name"] == "layers")
    assert layers["headline"] == "the same layers: nothing is built again"


def test_fewer_than_two_images_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = told(tmp_path, capsys, "bookworm")
    assert code == 2
    assert "compares two images or more" in said


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_screen_of_80_columns_holds_it_and_names_obey_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    long = "a-library-with-a-very-long-name-" * 4
    changes = [Change(name=f"{long}{number}", before="1") for number in range(6)]
    changes += [Change(name="bad\x1b]0;title\x07|<script>", after="\x1b[31m2")] * 6
    section = Section(name="packages", headline="many " * 40, changes=tuple(changes))
    found = Upgrade(before="old", after="new", sections=(section,))
    screen = Screen()
    upgrade.show(found, screen)
    text = screen.getvalue()
    assert "\x1b[31m2" not in text
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # the lab's own colours
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b]" not in text
    assert "and 8 more: --all lists them" in text
    many = [replace(section, name=f"part {number}", headline="h") for number in range(9)]
    small = Screen()
    upgrade.show(replace(found, sections=(*many, replace(section, name="libraries"))), small)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", small.getvalue()).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert "libraries" in lines, "what its headline does not tell comes first"
    assert "part 8 (12); --all lists them" in " ".join(lines).partition("left out: ")[2]
    everything = Screen()
    upgrade.show(found, everything, everything=True)
    assert "--all" not in everything.getvalue()
    page = upgrade.markdown(found)
    assert "<script" not in page
    assert page.count("| lost |") == 6
    assert page.count("| new |") == 6
