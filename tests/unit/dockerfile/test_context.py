"""Contexts: what is read, what is refused, and the archive, with tarfile as the oracle."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.dockerfile import tar as archive
from lab.dockerfile.context import Context, clean
from lab.dockerfile.dockerignore import parse
from lab.dockerfile.entries import Directory, File, Link
from lab.model.errors import InputError

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=70
).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def unpack(context: Context) -> dict[str, tuple[str, int, float, bytes | str]]:
    made = context.archive()
    found: dict[str, tuple[str, int, float, bytes | str]] = {}
    with made.open() as reader, tarfile.open(fileobj=reader) as tar:
        for member in tar:
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            if member.isfile():
                stream = tar.extractfile(member)
                assert stream is not None
                found[member.name] = ("file", member.mode, member.mtime, stream.read())
            else:
                kind = "link" if member.issym() else "directory"
                found[member.name] = (kind, member.mode, member.mtime, member.linkname)
    made.close()
    return found


@pytest.mark.slow
@given(PATHS, st.binary(max_size=2000), st.integers(0, 0o7777), st.integers(0, 2**34))
def test_the_archive_says_what_the_context_holds(
    path: str, data: bytes, mode: int, mtime: int
) -> None:
    found = unpack(Context({path: File(data, mode, min(mtime, 8**11 - 1))}))
    assert found[path] == ("file", mode, min(mtime, 8**11 - 1), data)
    assert sorted(found) == sorted({path, *map(str, list(Path(path).parents)[:-1])})


@pytest.mark.slow
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_links_keep_their_target(target: str) -> None:
    assert unpack(Context({"to": Link(target)}))["to"] == ("link", 0o777, 0, target)


def test_the_archive_is_in_order_and_the_same_each_time() -> None:
    one = Context.of_files({"b/z": "1", "a": "2", "b/a": "3"})
    other = Context.of_files({"b/a": "3", "a": "2", "b/z": "1"})
    data = one.archive().open().read()
    assert data == other.archive().open().read()
    assert len(data) == one.archive().size
    assert len(data) % 10240 == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["a", "b", "b/a", "b/z"]


def test_a_small_archive_is_cheap() -> None:
    context = Context.of_files({f"pkg{n:02d}/file.go": "x" * 900 for n in range(40)})
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        context.archive().close()
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.005


def test_large_archives_lie_in_a_file_with_readers_of_their_own(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(archive.IN_MEMORY + 5))
    made = Context.from_folder(tmp_path).archive()
    assert isinstance(made, archive.FileArchive)
    with made.open() as one, made.open() as two:
        head = one.read(600)
        whole = two.read()
        assert whole[:600] == head
        assert len(whole) == made.size
        assert one.read(100) == whole[600:700]
        one.seek(0)
        assert one.read(600) == head
    with tarfile.open(fileobj=made.open()) as tar:
        assert tar.getnames() == ["large"]
    made.close()


def test_a_header_for_a_file_over_8_gib_is_pax() -> None:
    header = archive._header("huge", b"0", 0o644, size=9 * 1024**3)
    with tarfile.open(fileobj=io.BytesIO(header + bytes(1024))) as tar:
        assert (member := tar.next()) is not None
        assert member.size == 9 * 1024**3


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../b", "", ".", "a\0b"])
def test_paths_outside_are_refused(path: str) -> None:
    with pytest.raises(InputError, match="not a path inside"):
        Context.of_files({path: ""})


def test_paths_are_tidied() -> None:
    assert clean("./a//b/") == "a/b"


def test_a_path_does_not_pass_through_a_link() -> None:
    context = Context({"out": Link("/etc")})
    with pytest.raises(InputError, match="lies below 'out', which is a link"):
        context.with_file("out/passwd", b"")
    with pytest.raises(InputError, match="is a link"):
        context.with_file("out", b"")


def test_with_and_without() -> None:
    context = Context({"a/b": File(b"1", 0o755)})
    assert context.with_file("a/b", b"2").file("a/b") == File(b"2", 0o755)
    assert context.with_file("a/c", b"2", mode=0o600).file("a/c").mode == 0o600
    assert list(context.without("a").entries) == []
    assert context.read("a/b") == b"1"
    for wrong in ("nope", "a"):
        with pytest.raises(InputError):
            context.read(wrong)
    with pytest.raises(InputError):
        context.without("nope")


def test_a_folder_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "sub" / "empty").mkdir(parents=True)
    (tmp_path / "run.sh").write_text("hi")
    (tmp_path / "run.sh").chmod(0o750)
    os.utime(tmp_path / "run.sh", (5, 5))
    (tmp_path / "sub" / "secret").symlink_to("/etc/shadow")
    context = Context.from_folder(tmp_path)
    assert context.entries["run.sh"] == File(tmp_path.resolve() / "run.sh", 0o750, 5)
    assert context.entries["sub/secret"] == Link("/etc/shadow")
    assert isinstance(context.entries["sub/empty"], Directory)
    assert set(unpack(context)) == {"run.sh", "sub", "sub/empty", "sub/secret"}


def test_what_cannot_be_sent_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe"):
        Context.from_folder(tmp_path)
    (tmp_path / ".dockerignore").write_text("pipe\n")
    assert set(Context.from_folder(tmp_path).entries) == {".dockerignore"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "sock"))
        with pytest.raises(InputError, match="sock"):
            Context.from_folder(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        Context.from_folder(tmp_path / "nope")


def test_a_file_that_shrinks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("short")
    context = Context.from_folder(tmp_path)
    monkeypatch.setattr(archive, "_length", lambda _: 10)
    with pytest.raises(InputError, match="became shorter"):
        context.archive()


@pytest.mark.parametrize(
    ("text", "path", "excluded"),
    [
        ("# comment\n\n", "comment", False),
        (" # no comment\n", "# no comment", True),
        ("*/temp*", "some/temporary.txt", True),
        ("*/temp*", "temporary.txt", False),
        ("*/*/temp*", "some/sub/temporary.txt", True),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("temp?", "tempa/deep/file", True),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**/*.go", "main.go", True),
        ("**/*.go", "a/b/main.go", True),
        ("/foo/bar", "foo/bar", True),
        ("foo/bar/", "foo/bar/baz", True),
        ("foo/../bar", "bar", True),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
        ("!README.md\n*.md", "README.md", True),
        ("**", "a/b", True),
        ("**\n!a/b", "a/b", False),
        ("a/**", "a/b/c", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/x/y/c", True),
        ("a/**/c", "ab/c", False),
        ("[a-c].txt", "b.txt", True),
        ("[^a-c].txt", "b.txt", False),
        ("[^a-c].txt", "d.txt", True),
        (r"[\]a]", "]", True),
        (r"[\-a]", "-", True),
        ("[a^]", "^", True),
        ("[^^a]", "^", False),
        ("[!a]", "b", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("a.b+c", "a.b+c", True),
        ("a.b", "axb", False),
        ("\ufeffa", "a", True),
        ("a\r\nb\r\n", "a", True),
        ("! b\nb", "b", True),
    ],
)
def test_dockerignore(text: str, path: str, excluded: bool) -> None:
    assert parse(text).excludes(path) is excluded


# The classes are those that podman 4.3.1 refused with "syntax error in pattern" when asked.
@pytest.mark.parametrize(
    "pattern",
    [
        "!",
        "[]",
        "[a-",
        "[z-a]",
        "[]a]",
        "[^]a]",
        "[-a]",
        "[^-a]",
        "[a-]",
        "[a--]",
        "[a-c-e]",
        "x\\",
    ],
)
def test_dockerignore_mistakes_have_their_line(pattern: str) -> None:
    with pytest.raises(InputError, match=r"\.dockerignore:2: "):
        parse(f"ok\n{pattern}\n")


@pytest.mark.slow
@given(st.text("ab*?[]^-!/\\.#&|~ ", max_size=12), PATHS)
def test_any_pattern_is_read_or_refused(text: str, path: str) -> None:
    try:
        assert parse(text).excludes(path) in {True, False}
    except InputError as exc:
        assert ":1: " in exc.message  # noqa: PT017 - refusing is one of the two right answers


def test_dockerignore_is_obeyed_but_for_what_is_always_sent(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("Dockerfile", "go.mod", "deep/er/keep", "deep/er/drop", "deep/gone"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".dockerignore").write_text("*\n!deep/er/keep\n")
    context = Context.from_folder(tmp_path)
    assert set(context.entries) == {
        ".dockerignore", "Dockerfile", "deep", "deep/er", "deep/er/keep"
    }  # fmt: skip
    assert "go.mod" in Context.from_folder(tmp_path, dockerignore=False).entries
    (tmp_path / "Dockerfile.dockerignore").write_text("deep\n")
    assert "go.mod" in Context.from_folder(tmp_path).entries
    context = Context.from_folder(tmp_path, dockerfile="deep/gone")
    assert "deep/gone" in context.entries
