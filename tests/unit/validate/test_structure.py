"""Assertions in container-structure-test's format, held against images made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lab.images.opened import Opened, opened
from lab.model.errors import InputError
from lab.validate import assertions, structure
from tests.image_archives import archive, layer, link, member

SETTINGS = {
    "Env": ["PATH=/usr/bin", "LANG=C.UTF-8"],
    "Labels": {"team": "base"},
    "ExposedPorts": {"80/tcp": {}},
    "Entrypoint": ["/usr/bin/app"],
    "Cmd": None,
    "WorkingDir": "/srv",
    "User": "1000",
}


@pytest.fixture
def image(tmp_path: Path) -> Opened:
    members = [
        member("usr/bin/app", b"binary", mode=0o755, uid=7, gid=8),
        member("etc/motd", b"first\nversion 12\n"),
        member("etc/licence", b"GNU Affero (AGPL)\n"),
        member("usr/bin/su", b"x", mode=0o4755),
        link("bin", "usr/bin"),
    ]
    path = archive(tmp_path / "i.tar", [layer(*members)], SETTINGS)
    return opened(str(path), say=lambda _: None, cache=tmp_path / "cache")


def said(tmp_path: Path, image: Opened, text: str, runs: structure.Runs = None) -> list[str]:
    path = tmp_path / "test.yaml"
    path.write_text("schemaVersion: 2.0.0\n" + text)
    return [one.message for one in structure.broken(assertions.load(path), image, runs)]


def test_what_holds_is_said_nothing_of(tmp_path: Path, image: Opened) -> None:
    text = """\
fileExistenceTests:
- {name: app, path: /usr/bin/app, shouldExist: true, permissions: -rwxr-xr-x, uid: 7, gid: 8}
- {name: linked, path: /bin/app, isExecutableBy: any}
- {name: folder, path: /usr/bin}
- {name: variable, path: $PATH/app}
- {name: as Go writes it, path: /usr/bin/su, permissions: urwxr-xr-x}
- {name: as ls writes it, path: /usr/bin/su, permissions: -rwsr-xr-x}
- {name: none, path: /usr/bin/gcc, shouldExist: false}
fileContentTests:
- name: motd
  path: /etc/motd
  expectedContents: ['(?m)^version \\d+$', '\\Afirst', '[[:digit:]]+\\n\\z']
  excludedContents: [beta]
metadataTest:
  envVars: [{key: LANG, value: C.UTF-8}, {key: PATH, value: '^/usr', isRegex: true}]
  labels: [{key: team, value: base}]
  exposedPorts: ['80']
  unexposedPorts: ['443']
  entrypoint: [/usr/bin/app]
  cmd: []
  workdir: /srv
  user: 1000
"""
    assert said(tmp_path, image, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fileExistenceTests: [{name: a, path: /nope}]", "a: /nope is missing"),
        (
            "fileExistenceTests: [{name: a, path: /etc/motd, shouldExist: false}]",
            "a: /etc/motd is there",
        ),
        (
            "fileExistenceTests: [{name: a, path: /etc/motd, permissions: -rwxr-xr-x}]",
            "a: /etc/motd is -rw-r--r--, -rwxr-xr-x is asserted",
        ),
        (
            "fileExistenceTests: [{name: a, path: /etc/motd, isExecutableBy: owner}]",
            "a: /etc/motd is not executable by owner",
        ),
        (
            "fileContentTests: [{name: a, path: /etc/motd, expectedContents: [third]}]",
            "a: /etc/motd does not match 'third'",
        ),
        ("metadataTest: {envVars: [{key: LANG, value: C}]}", "envVars: LANG is 'C.UTF-8'"),
        ("metadataTest: {user: root}", "user is 1000, root is asserted"),
        ("metadataTest: {exposedPorts: ['443']}", "ExposedPorts lacks 443"),
        ("commandTests: [{name: a, command: app}]", "name an engine with --engine"),
        ("licenseTests: [{debian: true}]", "there is no /usr/share/doc/ in the image"),
        ("licenseTests: [{files: [/etc/licence]}]", "/etc/licence contains AGPL"),
        ("licenseTests: [{files: [/nope]}]", "/nope cannot be read"),
        # As in Go, "^" and "$" are the ends of the text unless (?m) says otherwise.
        (
            "fileContentTests: [{name: a, path: /etc/motd, expectedContents: ['^version']}]",
            "a: /etc/motd does not match '^version'",
        ),
    ],
)
def test_what_does_not_hold_is_told(
    tmp_path: Path, image: Opened, text: str, expected: str
) -> None:
    (message,) = said(tmp_path, image, text)
    assert expected in message


def test_commands_are_judged_by_code_and_output(tmp_path: Path, image: Opened) -> None:
    asked: list[tuple[list[str], dict[str, str]]] = []

    def runs(command: Sequence[str], environment: Mapping[str, str]) -> structure.Command:
        asked.append((list(command), dict(environment)))
        return structure.Command(code=3, output="version 1.2\n")

    text = """\
globalEnvVars: [{key: A, value: "1"}]
commandTests:
- {name: good, command: app, args: [-v], exitCode: 3, expectedOutput: ['version 1\\.']}
- {name: bad, command: app, setup: [[touch, /x]], excludedOutput: [version]}
"""
    assert said(tmp_path, image, text, runs) == [
        "bad: exit code 3, 0 is asserted: version 1.2",
        "bad: the output matches 'version'",
    ]
    first, second = asked
    assert first == (["app", "-v"], {"A": "1"})
    assert second[0][:3] == ["sh", "-c", 'touch /x && exec "$@"']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", "1:1: no schemaVersion"),
        ("schemaVersion: 2.0.0\ncommandTests: 5\n", "2:15: commandTests; expected a list"),
        (
            "schemaVersion: 2.0.0\ncommandTests:\n- {name: a, command: a, expectedOutput: ['(']}\n",
            "3:41: '(' is no regular expression: missing )",
        ),
        ("x: [", "expected YAML"),
        ("schemaVersion: 1.0.0\n", "1:16: '1.0.0' for schemaVersion; expected '2.0.0'"),
        (
            "schemaVersion: 2.0.0\nfileExistanceTests: []\n",
            "2:1: the unknown key 'fileExistanceTests'; expected one of commandTests, "
            "containerRunOptions, fileContentTests, fileExistenceTests, globalEnvVars, "
            "licenseTests, metadataTest, schemaVersion; did you mean 'fileExistenceTests'?",
        ),
        (
            "schemaVersion: 2.0.0\nfileExistenceTests:\n- {name: a, path: /a, shouldExists: no}\n",
            "3:23: the unknown key 'shouldExists'; expected one of gid, isExecutableBy, name, "
            "path, permissions, shouldExist, uid; did you mean 'shouldExist'?",
        ),
        (
            "schemaVersion: 2.0.0\nfileExistenceTests: [{path: /a, isExecutableBy: all}]\n",
            "'all' for isExecutableBy; expected one of owner, group, other, any",
        ),
        (
            "schemaVersion: 2.0.0\nfileExistenceTests: [{path: /a}]\n",
            "no name; expected name in every entry of fileExistenceTests",
        ),
        (
            "schemaVersion: 2.0.0\nmetadataTest: {labels: [{ky: a}]}\n",
            "2:26: the unknown key 'ky'; expected one of isRegex, key, value; did you mean 'key'?",
        ),
        (
            "schemaVersion: 2.0.0\ncontainerRunOptions: {users: a}\n",
            "2:23: the unknown key 'users'; expected one of allocateTty, bindMounts, capabilities, "
            "envFile, envVars, privileged, user; did you mean 'user'?",
        ),
    ],
)
def test_a_file_that_is_none_is_told_with_its_place(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "test.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        assertions.load(path)
    assert expected in error.value.message


def test_a_file_that_is_far_too_large_is_refused_and_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "test.yaml"
    path.write_text("schemaVersion: 2.0.0\n" + "# filler\n" * 120_000 + "fileExistenceTests: 1\n")
    with pytest.raises(InputError, match="larger than 1000000 bytes"):
        assertions.load(path)


def test_options_of_containers_that_the_lab_has_not_are_told(tmp_path: Path, image: Opened) -> None:
    def runs(command: Sequence[str], environment: Mapping[str, str]) -> structure.Command:
        return structure.Command(code=0, output="")

    text = "containerRunOptions: {privileged: true}\ncommandTests: [{name: a, command: app}]\n"
    (message,) = said(tmp_path, image, text, runs)
    assert "the lab's containers have no options" in message


def test_a_pattern_takes_no_longer_for_being_nasty(tmp_path: Path, image: Opened) -> None:
    text = "fileContentTests:\n- {name: a, path: /usr/bin/app, expectedContents: ['(a+)+c|(b*)*d']}"
    (message,) = said(tmp_path, image, text)
    assert "does not match" in message
    assert not assertions.matches("^(a|aa)+$", "a" * 5000 + "b")
