"""Edits of one file of a context, as scenarios and command lines state them: no shell is needed.

In their texts ``{token}`` stands for the token of the trial.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from lab.dockerfile.context import Context
from lab.dockerfile.entries import File
from lab.model.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """``old``, which must be in the file exactly once, becomes ``new``."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Text is put at a file's end."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A file holds this text, whether it was there or not."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """A file, a link or a whole folder goes."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A file's modification time changes, and nothing else."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chmod:
    """A file's permission bits change, and nothing else."""

    path: str
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chown:
    """A file's owner changes, and nothing else."""

    path: str
    owner: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A file gets another name, and stays as it is."""

    path: str
    to: str


Patch = Replace | Append | Write | Delete | Touch | Chmod | Chown | Rename


def patched(edit: Patch, context: Context, token: str) -> Context:
    """The context after the edit. Raises InputError where there is nothing to change so."""
    match edit:
        case Replace():
            return _replaced(edit, context, token)
        case Append():
            added = edit.text.replace("{token}", token).encode()
            return context.with_file(edit.path, context.read(edit.path) + added)
        case Write():
            return context.with_file(edit.path, edit.text.replace("{token}", token).encode())
        case Delete():
            return context.without(edit.path)
        case Rename():
            file = context.file(edit.path)
            return context.without(edit.path).with_entry(edit.to, file)
        case Touch() | Chmod() | Chown():
            return context.with_entry(
                edit.path, _with_metadata(edit, context.file(edit.path), token)
            )


def _with_metadata(edit: Touch | Chmod | Chown, file: File, token: str) -> File:
    """A file whose time, mode or owner is another; its content and its name stay."""
    match edit:
        case Touch():
            return replace(file, mtime=_other_time(file, token))
        case Chmod():
            return replace(file, mode=edit.mode & 0o7777)
        case Chown():
            return replace(file, owner=edit.owner)


def _replaced(edit: Replace, context: Context, token: str) -> Context:
    text = context.read(edit.path)
    count = text.count(edit.old.encode()) if edit.old else 0
    if count != 1:
        found = "is not in it" if count == 0 else f"is in it {count} times"
        raise InputError(
            f"the edit looks in {edit.path!r} for {edit.old!r}, which {found}",
            remedy="give a text that the file holds exactly once, with its spaces and line ends",
        )
    new = edit.new.replace("{token}", token).encode()
    return context.with_file(edit.path, text.replace(edit.old.encode(), new))


def number_of(token: str) -> int:
    """A number that goes with the token."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:4])


def _other_time(file: File, token: str) -> int:
    return file.mtime + 1 + number_of(token) % (10 * 365 * 24 * 3600)
