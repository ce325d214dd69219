"""Manifests of contexts: against the file system and git, and what two machines make differ."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.caching.manifests import Manifest, differences, read, scan
from lab.caching.manifests.folder import _Content
from lab.caching.predict import inputs
from lab.caching.predict.compare_builds import compare
from lab.cli.main import main
from lab.dockerfile.cachekey import client_rules
from lab.dockerfile.context import Context
from lab.model.events import Outcome
from tests.unit.caching.test_replay import git, write
from tests.unit.caching.test_why import told

TEXT = b"FROM base\nCOPY run.sh /\nRUN setup\nCOPY . .\nRUN make\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 4\n"


@pytest.fixture
def one(tmp_path: Path) -> Path:
    folder = tmp_path / "one"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for path, data in {"run.sh": b"#!/bin/sh\n", "src/a.go": b"a\nb\n", "b.bin": b"\0\r\n"}.items():
        write(folder, path, data)
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("run.sh")
    write(folder, "Dockerfile", TEXT)
    write(folder, ".dockerignore", b".git\n*.json\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return folder


def clone(folder: Path, *settings: str) -> Path:
    other = folder.parent / "other"
    git(folder.parent, *settings, "clone", "-q", str(folder), "other")
    return other


def manifest(folder: Path) -> Manifest:
    found = scan(folder)
    return Manifest(head=found.head, items={item.path: item for item in found.items})


def test_a_manifest_says_what_lies_there(one: Path) -> None:
    """The oracles: lstat, the bytes, and git ls-files --eol."""
    write(one, "new.txt", b"a\r\nb\n")
    write(one, "src/crlf.txt", b"a\r\nb\r\n")
    found = manifest(one)
    paths = {path.relative_to(one).as_posix() for path in one.rglob("*")}
    assert set(found.items) == {path for path in paths if path.split("/")[0] != ".git"}
    for path, item in found.items.items():
        facts = os.lstat(one / path)
        assert item.mode == f"{facts.st_mode & 0o7777:04o}"
        assert (item.uid, item.gid, item.mtime) == (
            facts.st_uid,
            facts.st_gid,
            int(facts.st_mtime),
        )
        if item.type == "file":
            data = (one / path).read_bytes()
            assert (item.size, item.sha256) == (len(data), hashlib.sha256(data).hexdigest())
            plain = data.replace(b"\r\n", b"\n")
            changed = item.line_ends in {"crlf", "mixed"}
            assert item.lf_sha256 == (hashlib.sha256(plain).hexdigest() if changed else None)
    assert found.items["link"].target == "run.sh"
    told_by_git = {"i/lf": "lf", "w/lf": "lf", "w/crlf": "crlf", "w/mixed": "mixed"}
    git(one, "add", "-A")
    for line in git(one, "ls-files", "--eol").splitlines():
        head, _, path = line.partition("\t")
        expected = told_by_git.get(head.split()[1])
        if found.items[path].type == "file":
            assert found.items[path].line_ends == expected, line
    assert {found.items[path].git for path in ("run.sh", "link")} == {"tracked"}
    assert found.items["new.txt"].git == "untracked"


def test_what_the_lab_wrote_is_told_as_other_clients_send_it(one: Path) -> None:
    """Its own builds leave it out, so that runs do not change what they measure."""
    write(one, "results/1-run/run.json", b'{"schema": "lab.run/1"}')
    write(one, "results/1-run/report.html", b"page")
    assert "results/1-run/report.html" in manifest(one).items
    assert "results" not in Context.from_folder(one).entries


def test_line_ends_are_seen_across_pieces() -> None:
    draw = random.Random(4)
    for _ in range(300):
        data = b"".join(draw.choice([b"\r", b"\n", b"\r\n", b"a"]) for _ in range(9))
        content, at = _Content(), 0
        while at < len(data):
            size = draw.randint(1, 4)
            content.add(data[at : at + size])
            at += size
        both, feeds = data.count(b"\r\n"), data.count(b"\n")
        ends = "none" if not feeds else "lf" if not both else "crlf" if both == feeds else "mixed"
        assert content.line_ends() == ends, data
        plain = hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
        assert content.with_line_feeds() == (plain if both else None), data


@pytest.mark.slow
def test_the_same_folder_gives_the_same_bytes_and_its_own_output_is_none_of_it(
    one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one / ".dockerignore").write_text(".git\n")
    first, second = one.parent / "a.json", one / "b.json"
    for path in (first, second, second):
        told(["context", str(one), "-o", str(path)], capsys)
    assert first.read_bytes() == second.read_bytes()
    assert told(["context", str(one), "--json"], capsys) != first.read_text(), "now b.json counts"
    second.unlink()
    assert told(["context", str(one), "-o", "-"], capsys) == first.read_text()
    record = json.loads(first.read_text())
    assert (record["schema"], record["files"]) == ("lab.context/1", 5)
    assert record["commit"] == git(one, "rev-parse", "HEAD").strip()


def test_a_dockerfile_that_is_not_there_is_no_answer(
    one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own ignore file would be another: the manifest would be of another context."""
    with pytest.raises(SystemExit) as stop:
        main(["context", str(one), "--dockerfile", str(one / "Dockerfil")])
    assert stop.value.code == 2
    assert "there is no file" in capsys.readouterr().err


def test_what_is_written_is_read_back(one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.close(os.open(os.fsencode(one) + b"/no\xff.txt", os.O_CREAT))
    path = one.parent / "a.json"
    told(["context", str(one), "-o", str(path)], capsys)
    assert read(path) == manifest(one)
    assert differences(read(path), manifest(one)) == ()


@pytest.mark.slow
def test_a_large_file_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(64 << 20)
        file.write(b"text\r\n" * 1000)
    tracemalloc.start()
    try:
        (item,) = scan(tmp_path).items
        assert item.size == 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def umask(folder: Path) -> Path:
    for path in folder.rglob("*"):
        if ".git" not in path.parts and not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o777 | 0o020)
    return folder


def rewritten(path: str, data: bytes) -> Callable[[Path], Path]:
    def other(one: Path) -> Path:
        folder = clone(one)
        write(folder, path, data)
        return folder

    return other


def without_links(one: Path) -> Path:
    return clone(one, "-c", "core.symlinks=false")


def not_executable(one: Path) -> Path:
    folder = clone(one)
    (folder / "run.sh").chmod(0o644)
    return folder


def gone(one: Path) -> Path:
    folder = clone(one)
    (folder / "src/a.go").unlink()
    return folder


def other_case(one: Path) -> Path:
    folder = clone(one)
    (folder / "src/a.go").rename(folder / "src/A.go")
    return folder


def touched(one: Path) -> Path:
    folder = clone(one)
    for path in folder.rglob("*.go"):
        os.utime(path, (1, 1))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "kind", "mend", "first"),
    [
        (lambda one: umask(clone(one)), "umask", "chmod -R u=rwX,go=rX .", "COPY run.sh"),
        (not_executable, "executable", "git update-index --chmod=+x run.sh", "COPY run.sh"),
        (rewritten("src/a.go", b"a\r\nb\r\n"), "line-ends", "* text=auto eol=lf", "COPY . ."),
        (rewritten("src/a.go", b"c\n"), "content", "git status", "COPY . ."),
        (rewritten("dist/app", b"x"), "extra", "in .dockerignore: dist", "COPY . ."),
        (gone, "missing", "git checkout", "COPY . ."),
        (other_case, "case", "rename one", "COPY . ."),
        (without_links, "links", "core.symlinks true", "COPY . ."),
        (touched, "times", "", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_kind_is_told_apart_with_what_it_makes_miss_and_its_mend(
    one: Path,
    made: Callable[[Path], Path],
    kind: str,
    mend: str,
    first: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What misses is as two real folders have it, by the rules of `lab explain --between`."""
    other = made(one)
    found = json.loads(told(["context", str(one), str(other), "--json"], capsys))
    kinds = [group["kind"] for group in found["groups"] if group["kind"] != "times"]
    assert set(kinds) == ({kind} if kind != "times" else set())
    for engine in ("docker", "podman"):
        before, after = (
            inputs.cache_inputs(inputs.read(folder / "Dockerfile", None, {}, None))
            for folder in (one, other)
        )
        steps = compare(before, after, client_rules(engine)).steps
        missed = [part.step.instruction for part in steps if part.step.outcome is Outcome.MISS]
        assert [step["instruction"] for step in found["misses"][engine]] == missed
        assert "".join(missed[:1]).startswith(first)
    said = " ".join(told(["context", str(one), str(other)], capsys).split())
    assert mend in said
    assert ("send the same" in said) is (kind == "times")
    assert ("no engine that the lab knows looks at them" in said) or kind != "times"


def test_no_line_of_an_ignore_file_keeps_back_what_is_tracked_or_copied(
    one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(one, "Dockerfile", b"FROM base\nCOPY bin/app /app\nCOPY . .\n")
    git(one, "commit", "-qam", "two")
    other = clone(one)
    for path in ("src/node_modules/a/b.js", "src/new.go", "out/x", "bin/app", "top.txt"):
        write(other, path, b"x")
    found = json.loads(told(["context", str(one), str(other), "--json"], capsys))
    (extra,) = [group for group in found["groups"] if group["kind"] == "extra"]
    lines, _, made = extra["mend"].partition("; ")
    named = lines.removeprefix("in .dockerignore: ").split(", ")
    assert set(named) == {"src/node_modules", "src/new.go", "out", "top.txt"}
    assert made == "copied by name, so make on both sides: bin/app"


@pytest.mark.slow
def test_pointers_and_submodules(one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = one.parent / "part"
    part.mkdir()
    git(part, "init", "-q")
    write(part, "a.h", b"a")
    git(part, "add", "-A")
    git(part, "commit", "-qm", "part")
    allowed = ("-c", "protocol.file.allow=always")
    git(one, *allowed, "submodule", "--quiet", "add", str(part), "part")
    digest = hashlib.sha256(b"data").hexdigest()
    write(one, "model.bin", POINTER.format(digest).encode())
    git(one, "add", "-A")
    git(one, "commit", "-qm", "two")
    other = clone(one)
    write(one, "model.bin", b"data")
    found = json.loads(told(["context", str(one), str(other), "--json"], capsys))
    by_kind = {group["kind"]: group for group in found["groups"]}
    assert by_kind["pointers"]["paths"] == ["model.bin"]
    assert by_kind["pointers"]["text"] == "1 file is a git-lfs pointer in other alone"
    assert by_kind["submodules"]["paths"] == ["part/.git", "part/a.h"] or by_kind["submodules"][
        "paths"
    ] == ["part/a.h"]
    assert "git submodule update" in by_kind["submodules"]["mend"]


def test_what_copies_from_a_stage_may_come_out_as_it_was(
    one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"{TEXT.decode()}FROM base\nCOPY --from=0 /app /\nRUN check\n"
    write(one, "Dockerfile", text.encode())
    git(one, "commit", "-qam", "two")
    other = rewritten("src/a.go", b"c\n")(one)
    said = " ".join(told(["context", str(one), str(other)], capsys).split())
    assert "Docker and Podman rerun 2 to 4 steps, first COPY . . (line 4), of 6." in said


def test_gits_own_folder_where_it_is_sent(one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (one / ".dockerignore").unlink()
    git(one, "commit", "-qam", "two")
    other = clone(one)
    said = " ".join(told(["context", str(one), str(other)], capsys).split())
    assert "git's own folder is sent, and no two of them are alike" in said
    assert "in .dockerignore: .git" in said


@pytest.mark.slow
def test_owners_count_for_a_podman_of_old_alone(
    one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As tried: docker's client sends all as root's, podman 4.3.1 tells root from others."""
    theirs = clone(one)
    os.chown(theirs / "run.sh", 1000, 1000)
    engines = [
        word for name in ("docker", "podman@4.3", "podman@5.8") for word in ("--engine", name)
    ]
    words = ["context", str(one), str(theirs), *engines]
    misses = json.loads(told([*words, "--json"], capsys))["misses"]
    assert {engine: len(steps) for engine, steps in misses.items()} == {
        "docker": 0,
        "podman@4.3": 4,
        "podman@5.8": 0,
    }
    said = " ".join(told(words, capsys).split())
    assert "different contexts" in said
    assert "Podman@4.3 reruns 4 steps, first COPY run.sh / (line 2)" in said


def test_names_that_differ_in_case_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.go", "A.go", "b.go"):
        (tmp_path / name).write_text(name)
    assert "A.go and a.go are one file where case" in told(["context", str(tmp_path)], capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch.json", "."], "cannot be read"),
        (["Dockerfile", "."], "is no manifest of a context"),
        (["wrong.json", "."], "schema 'other', expected 'lab.context/1'"),
        (["broken.json", "."], "is no manifest of a context"),
        ([".", ".", "."], "one context, or two"),
        (["nosuch"], "is not a folder"),
        ([".", "--engine", "docker"], "is for two contexts"),
        ([".", ".", "--target", "nosuch"], "no stage is named"),
        ([".", ".", "-o", "x.json"], "--output beside two contexts"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_no_context_is_refused(
    one: Path,
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (one / "wrong.json").write_text('{"schema": "other"}')
    (one / "broken.json").write_text('{"schema": "lab.context/1", "entries": [{"path": 1}]}')
    monkeypatch.chdir(one)
    with pytest.raises(SystemExit) as stop:
        main(["context", *words])
    found = capsys.readouterr().err
    assert (stop.value.code, said in found, "next: " in found) == (2, True, True), found
