"""The edits that a phase names, of what a build is made from: the lab's own, or file edits.

An edit is a pure function of the inputs and a token. The token differs in every trial, so that no
engine can have seen the edited content before.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from lab.dockerfile import parser as dockerfiles
from lab.dockerfile.context import Context, clean
from lab.dockerfile.file_edits import (
    Append,
    Chmod,
    Delete,
    Patch,
    Rename,
    Replace,
    Touch,
    Write,
    number_of,
    patched,
)
from lab.dockerfile.generated_project import DEPENDENCY_FILE, NEW_FILE, REVISION, SOURCE_FILE
from lab.dockerfile.model import Dockerfile, Instruction
from lab.dockerfile.triggers import Triggers
from lab.model.errors import InputError

__all__ = [
    "BUILTIN",
    "Append",
    "Builtin",
    "Chmod",
    "Delete",
    "Edit",
    "InjectedDelay",
    "Inputs",
    "Replace",
    "Touch",
    "Write",
    "apply",
]

SETTING = "LAB_SETTING"  # the ENV whose value the edit "env" changes
ARGUMENT = "VERSION"  # the ARG whose value the edit "arg" changes

_RUN = re.compile(r"\s*RUN(?:\s+--\S+|\s*\\\s*\n)*\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a build is made from. ``goroot`` is None for a project of the user's own.

    The context of a generated project does not hold the Dockerfile; that of a user's own may, and
    ``dockerfile`` goes before it. ``own_ignore`` is the text of the Dockerfile's own ignore file,
    where it has one: clients then do not read .dockerignore. ``triggers`` are those
    that base images bring, as far as they are known.
    """

    dockerfile: str
    dockerfile_path: str
    context: Context
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    goroot: str | None = None
    base_moved: bool = False
    own_ignore: str | None = None
    triggers: Triggers = field(default_factory=dict)

    def full_context(self) -> Context:
        """The context as it is sent, the Dockerfile at its place in it."""
        data = self.dockerfile.encode(errors="surrogateescape")  # as it was read
        return self.context.with_file(self.dockerfile_path, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """One of the lab's own edits, by its name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedDelay:
    """A step of its own that keeps one CPU busy for ``seconds``; 0 is the step without work.

    ``word`` is part of its text: a build whose word is new cannot find it in a cache.
    """

    seconds: float
    word: str


Edit = Builtin | Patch | InjectedDelay


def apply(edit: Edit, inputs: Inputs, token: str) -> Inputs:
    """The inputs after the edit. Raises InputError where the edit does not fit them."""
    if isinstance(edit, InjectedDelay):
        return _delayed(inputs, edit, token)
    if isinstance(edit, Builtin):
        try:
            change = BUILTIN[edit.name]
        except KeyError:
            raise InputError(
                f"no edit is named {edit.name!r}", remedy=f"the names are: {', '.join(BUILTIN)}"
            ) from None
        return change(inputs, token)
    if clean(edit.path) == clean(inputs.dockerfile_path):
        if isinstance(edit, Delete | Rename):
            raise InputError(
                f"the edit deletes {edit.path!r}, the Dockerfile of the build",
                remedy="change it with replace or write",
            )
        sent = patched(edit, inputs.full_context(), token)
        text = sent.read(inputs.dockerfile_path).decode()
        return replace(inputs, dockerfile=text, context=sent)
    return replace(inputs, context=patched(edit, inputs.context, token))


def _generated(inputs: Inputs, name: str) -> Context:
    """The context, where it is a generated project: only there does the lab know the files."""
    if inputs.goroot is None:
        raise InputError(
            f"the edit {name!r} is made for generated projects: "
            "in a project of your own the lab cannot know which file it should change",
            remedy="state the change as replace, append, write, delete, touch or chmod of a file",
        )
    return inputs.context


def _source(inputs: Inputs, token: str) -> Inputs:
    context = _generated(inputs, "source")
    text = REVISION.sub(rf"\g<1>{token}\g<2>", context.read(SOURCE_FILE).decode(), count=1)
    return replace(inputs, context=context.with_file(SOURCE_FILE, text.encode()))


def _comment(inputs: Inputs, token: str) -> Inputs:
    context = _generated(inputs, "comment")
    text = context.read(SOURCE_FILE) + f"\n// Remark {token}.\n".encode()
    return replace(inputs, context=context.with_file(SOURCE_FILE, text))


def _new_file(inputs: Inputs, token: str) -> Inputs:
    context = _generated(inputs, "new-file")
    package = SOURCE_FILE.split("/")[-2]
    text = f"package {package}\n\n// Added is new in this package.\nconst Added = {_go(token)}\n"
    return replace(inputs, context=context.with_file(NEW_FILE, text.encode()))


def _dependency(inputs: Inputs, token: str) -> Inputs:
    context = _generated(inputs, "dependency")
    text = REVISION.sub(rf"\g<1>{token}\g<2>", context.read(DEPENDENCY_FILE).decode(), count=1)
    return replace(inputs, context=context.with_file(DEPENDENCY_FILE, text.encode()))


def _go(token: str) -> str:
    return '"' + re.sub(r"[^\w.-]", "-", token) + '"'


def _instruction(inputs: Inputs, token: str) -> Inputs:
    """The last RUN that the target needs gets a no-op before its command."""
    parsed = dockerfiles.parse(inputs.dockerfile, inputs.build_args)
    last = _last_run(parsed, inputs.target)
    if last is None:
        raise InputError(
            "the edit 'instruction' changes the text of a RUN, "
            "and the Dockerfile has none in shell form that its target needs",
            remedy=f"state the change as replace in {inputs.dockerfile_path}",
        )
    lines = dockerfiles.lines_of(inputs.dockerfile)
    before, rest = "".join(lines[: last.line - 1]), "".join(lines[last.line - 1 :])
    start = _RUN.match(rest)
    at = start.end() if start else len("RUN ")
    return replace(inputs, dockerfile=f"{before}{rest[:at]}: {_word(token)}; {rest[at:]}")


def _last_run(parsed: Dockerfile, target: str | None) -> Instruction | None:
    """The last RUN in shell form that the target needs: where it stands there is a shell."""
    needed = parsed.needed(target)
    runs = [
        step
        for step in parsed.instructions
        if step.keyword == "RUN"
        and step.stage in needed
        and not step.heredocs
        and not step.operands.startswith("[")
    ]
    return runs[-1] if runs else None


def _delayed(inputs: Inputs, edit: InjectedDelay, token: str) -> Inputs:
    parsed = dockerfiles.parse(inputs.dockerfile, inputs.build_args)
    last = _last_run(parsed, inputs.target)
    if last is None:
        raise InputError(
            "there is no RUN in shell form that the target needs: no place for a step that works",
            remedy="prove the gate with a scenario that has one",
        )
    lines = dockerfiles.lines_of(inputs.dockerfile)
    later = [step.line - 1 for step in parsed.instructions if step.line > last.line]
    at = min(later, default=len(lines))
    before = "".join(lines[:at])
    end = "" if before.endswith("\n") else "\n"
    work = f"; timeout {edit.seconds:.3f} sh -c 'while :; do :; done' || :" if edit.seconds else ""
    step = f"RUN : {_word(f'{edit.word}-{token}')}{work}\n"
    return replace(inputs, dockerfile=f"{before}{end}{step}{''.join(lines[at:])}")


def _word(token: str) -> str:
    return "edit-" + re.sub(r"[^\w.-]", "-", token)


def _env(inputs: Inputs, token: str) -> Inputs:
    text, count = re.subn(
        rf"^(ENV {SETTING}=).*$", rf"\g<1>{_word(token)}", inputs.dockerfile, flags=re.MULTILINE
    )
    if count == 0:
        raise InputError(
            f"the edit 'env' changes the value of ENV {SETTING}, which the Dockerfile has not",
            remedy=f"put 'ENV {SETTING}=0' where it should stand, or state the change as replace",
        )
    return replace(inputs, dockerfile=text)


def _arg(inputs: Inputs, token: str) -> Inputs:
    if not re.search(rf"^\s*ARG\s+{ARGUMENT}\b", inputs.dockerfile, re.MULTILINE):
        raise InputError(
            f"the edit 'arg' changes the build argument {ARGUMENT}, "
            "which the Dockerfile does not declare",
            remedy=f"put 'ARG {ARGUMENT}' where it should count, or state the change as replace",
        )
    return replace(inputs, build_args={**inputs.build_args, ARGUMENT: _word(token)})


def _goroot(inputs: Inputs, token: str) -> Inputs:
    _generated(inputs, "goroot")
    old = inputs.goroot or ""
    new = f"{old}-{hashlib.sha256(token.encode()).hexdigest()[:8]}"
    # as a whole word only: what lies below the toolchain's own place stays where it is
    text = re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w./-])", new, inputs.dockerfile)
    return replace(inputs, dockerfile=text, goroot=new)


def _mtime(inputs: Inputs, token: str) -> Inputs:
    _generated(inputs, "mtime")
    return apply(Touch(path=SOURCE_FILE), inputs, token)


def _mode(inputs: Inputs, token: str) -> Inputs:
    """Any bits but the owner's right to read and write, so that tokens give different modes."""
    old = _generated(inputs, "mode").file(SOURCE_FILE).mode
    others = [mode for mode in (0o600 | bits for bits in range(0o200)) if mode != old]
    mode = others[number_of(token) % len(others)]
    return apply(Chmod(path=SOURCE_FILE, mode=mode), inputs, token)


def _base(inputs: Inputs, token: str) -> Inputs:  # noqa: ARG001 - every edit has this shape
    return replace(inputs, base_moved=True)


BUILTIN: Mapping[str, Callable[[Inputs, str], Inputs]] = {
    "source": _source,
    "comment": _comment,
    "new-file": _new_file,
    "dependency": _dependency,
    "instruction": _instruction,
    "env": _env,
    "arg": _arg,
    "goroot": _goroot,
    "mtime": _mtime,
    "mode": _mode,
    "base": _base,
}
