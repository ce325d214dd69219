"""Edits as a user writes them on the command line: read, and applied to what is built. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lab.dockerfile import dockerignore
from lab.dockerfile import parser as dockerfiles
from lab.dockerfile.cachekey.builder import ignored
from lab.dockerfile.context import Context, clean
from lab.dockerfile.edits import Inputs
from lab.dockerfile.file_edits import Chmod, Chown, Delete, Patch, Rename, Touch, patched
from lab.model.errors import InputError

FRESH = "a change that no cache has seen"
FORMS = (
    "PATH or file:PATH (its content; new if it is not there), touch:PATH, chmod:PATH=MODE, "
    "chown:PATH=UID:GID, delete:PATH, rename:PATH=PATH, arg:NAME=VALUE, env:NAME=VALUE, "
    "text:N (instruction N), base"
)


_REMARKS = (
    (
        frozenset(["go", "mod", "js", "ts", "jsx", "tsx", "c", "h", "cc", "cpp", "hpp", "rs"])
        | {"java", "kt", "swift", "scss", "proto"},
        "// ",
        "",
    ),
    (
        frozenset(["py", "sh", "rb", "pl", "yaml", "yml", "toml", "cfg", "conf", "Makefile", "mk"])
        | {"Gemfile", "Rakefile", "cmake", "gitignore", "r", "R"},
        "# ",
        "",
    ),
    (frozenset({"html", "xml", "svg"}), "<!-- ", " -->"),
    (frozenset({"css"}), "/* ", " */"),
    (frozenset({"sql", "lua"}), "-- ", ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The inputs after an edit; ``moved`` says that every base has another digest."""

    inputs: Inputs
    moved: bool = False
    kept_back: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def apply(text: str, inputs: Inputs) -> Edited:
    """The inputs after the change that the text names. Raises InputError where it cannot be."""
    kind, colon, rest = text.partition(":")
    if text == "base":
        return Edited(inputs=inputs, moved=True)
    if kind in _OF_DOCKERFILE:
        return Edited(inputs=_OF_DOCKERFILE[kind](rest, inputs))
    if kind in _OF_FILES:
        patch = _OF_FILES[kind](rest)
        return _sent(inputs, replace(inputs, context=patched(patch, inputs.context, FRESH)))
    if kind != "file" and colon and clean(text) not in inputs.context.entries:
        raise InputError(
            f"{text!r}: no edit is of the kind {kind!r}, and no file has this name",
            remedy=f"write one of: {FORMS}",
        )
    path = rest if kind == "file" else text
    new = () if clean(path) in inputs.context.entries else (path,)
    return replace(_sent(inputs, _content(path, inputs)), new=new)


def _sent(before: Inputs, after: Inputs) -> Edited:
    """The inputs without what the edit brought and the ignore file keeps back."""
    always = {after.dockerfile_path, dockerignore.NAME}
    brought = after.context.entries.keys() - before.context.entries.keys() - always
    text = ignored(before.context) if before.own_ignore is None else before.own_ignore
    if not brought or text is None:
        return Edited(inputs=after)
    ignore = dockerignore.parse(text)
    gone = {path for path in brought if ignore.excludes(path)}
    left = {path: entry for path, entry in after.context.entries.items() if path not in gone}
    return Edited(inputs=replace(after, context=Context(left)), kept_back=tuple(sorted(gone)))


def marked(path: str, data: bytes, word: str) -> bytes:
    """A file's bytes with a word at their end, as a remark where its language has remarks.

    So a program that is really built with the change is still a program.
    """
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2] if "." in name else name
    if suffix == "json":  # it has no remarks, but blanks count for nothing
        blanks = "".join(f"{ord(char):08b}" for char in word).translate({48: " ", 49: "\t"})
        return data + f"\n{blanks}\n".encode()
    start, end = next(((s, e) for names, s, e in _REMARKS if suffix in names), ("", ""))
    return data + (f"\n{start}{word}{end}\n" if start else word).encode()


def carried(text: str, old: str, new: str) -> str:
    """The same edit for a rewritten Dockerfile, where an instruction has another number."""
    kind, _, number = text.partition(":")
    if kind != "text" or old == new:
        return text
    wanted = [one for one in dockerfiles.parse(old).instructions if str(one.index) == number]
    same = [
        one
        for one in dockerfiles.parse(new).instructions
        if wanted and (one.keyword, one.operands) == (wanted[0].keyword, wanted[0].operands)
    ]
    return f"text:{same[0].index}" if same else text


def _content(path: str, inputs: Inputs) -> Inputs:
    if not path:
        raise InputError("an edit names nothing", remedy=f"write one of: {FORMS}")
    if clean(path) == clean(inputs.dockerfile_path):
        raise InputError(
            f"{path!r} is the Dockerfile itself",
            remedy="say which instruction changes: text:N, env:NAME=VALUE or arg:NAME=VALUE",
        )
    there = inputs.context.entries.get(clean(path))
    data = marked(path, inputs.context.read(path) if there else b"", FRESH)
    return replace(inputs, context=inputs.context.with_file(path, data))


def _touch(path: str) -> Patch:
    return Touch(path=path)


def _delete(path: str) -> Patch:
    return Delete(path=path)


def _chmod(rest: str) -> Patch:
    path, mode = _pair(rest, "chmod:PATH=MODE")
    if not re.fullmatch(r"[0-7]{3,4}", mode):
        raise InputError(f"{mode!r} is no mode", remedy="write it in octal digits, as 755")
    return Chmod(path=path, mode=int(mode, 8))


def _chown(rest: str) -> Patch:
    path, owner = _pair(rest, "chown:PATH=UID:GID")
    if not re.fullmatch(r"\d{1,7}:\d{1,7}", owner):
        raise InputError(f"{owner!r} is no owner", remedy="write numbers, as 1000:1000")
    user, _, group = owner.partition(":")
    return Chown(path=path, owner=(int(user), int(group)))


def _rename(rest: str) -> Patch:
    old, new = _pair(rest, "rename:PATH=PATH")
    return Rename(path=old, to=new)


def _arg(rest: str, inputs: Inputs) -> Inputs:
    name, value = _pair(rest, "arg:NAME=VALUE")
    parsed = dockerfiles.parse(inputs.dockerfile, inputs.build_args)
    declared = {
        word.partition("=")[0]
        for one in parsed.instructions
        if one.keyword == "ARG"
        for word in one.operands.split()
    }
    if name not in declared:
        raise InputError(
            f"the Dockerfile declares no ARG {name}",
            remedy=f"it declares: {', '.join(sorted(declared)) or 'none'}",
        )
    return replace(inputs, build_args={**inputs.build_args, name: value})


def _env(rest: str, inputs: Inputs) -> Inputs:
    name, value = _pair(rest, "env:NAME=VALUE")
    pattern = re.compile(
        rf"^(\s*ENV\s+(?:[^\n]*\s)?{re.escape(name)}(?:=|\s+))(?:\"[^\"]*\"|'[^']*'|\S+)",
        re.MULTILINE | re.IGNORECASE,
    )
    text, count = pattern.subn(lambda match: match[1] + value, inputs.dockerfile)
    if count == 0:
        raise InputError(
            f"the Dockerfile sets no ENV {name}", remedy="name one that it sets, on its ENV's line"
        )
    return replace(inputs, dockerfile=text)


def _text(rest: str, inputs: Inputs) -> Inputs:
    parsed = dockerfiles.parse(inputs.dockerfile, inputs.build_args)
    found = [one for one in parsed.instructions if str(one.index) == rest]
    if not found or found[0].keyword not in {"RUN", "LABEL"} or found[0].heredocs:
        runs = [one for one in parsed.instructions if one.keyword in {"RUN", "LABEL"}]
        raise InputError(
            f"text:{rest}: there is no RUN or LABEL with this number",
            remedy="one of: " + ", ".join(f"{one.index} ({one.text[:30]})" for one in runs[:8]),
        )
    lines = dockerfiles.lines_of(inputs.dockerfile)
    at = found[0].line - 1
    added = ": changed; " if found[0].keyword == "RUN" else "changed=1 "
    head = re.compile(r"^(\s*(?:RUN|LABEL)(?:\s+--\S+)*\s+)", re.IGNORECASE)
    lines[at] = head.sub(lambda match: match[1] + added, lines[at], count=1)
    return replace(inputs, dockerfile="".join(lines))


def _pair(rest: str, form: str) -> tuple[str, str]:
    name, equals, value = rest.partition("=")
    if not equals or not name:
        lacking = "its '='" if not equals else "what stands before its '='"
        raise InputError(f"{rest!r} lacks {lacking}", remedy=f"write {form}")
    return name, value


_OF_FILES: Mapping[str, Callable[[str], Patch]] = {
    "touch": _touch,
    "delete": _delete,
    "chmod": _chmod,
    "chown": _chown,
    "rename": _rename,
}
_OF_DOCKERFILE: Mapping[str, Callable[[str, Inputs], Inputs]] = {
    "arg": _arg,
    "env": _env,
    "text": _text,
}
