"""The one door for subprocesses: argument lists in, captured text out, and what failed to paste."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.model.errors import LabError, MissingPrerequisite

TAIL_LINES = 12

Argument = str | Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that ended: its exit code (negative: the signal that killed it) and its output."""

    code: int
    out: str
    err: str


def run(
    command: Sequence[Argument],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_s: float | None = None,
    codes: Collection[int] = (0,),
    stdin: Path | None = None,
    error: type[LabError] = LabError,
    remedy: str | None = None,
) -> Done:
    """Run a command to its end; its standard input is the file ``stdin``, or empty.

    ``environment`` is added to the lab's own. Raises ``error`` on an exit code that is not among
    ``codes`` and on time-out, with the command to paste and the end of what it said;
    MissingPrerequisite where there is no such program.
    """
    try:
        with open(stdin or os.devnull, "rb") as given:  # noqa: PTH123 (or the null device)
            done = subprocess.run(
                [str(word) for word in command],
                env=os.environ | (environment or {}),
                cwd=folder,
                timeout=timeout_s,
                stdin=given,
                capture_output=True,
                check=False,
                process_group=0,  # Ctrl-C is the lab's to handle: it must not end a clean-up
            )
    except FileNotFoundError as missing:
        if folder is not None and not folder.is_dir():
            raise error(f"there is no folder {folder}") from missing
        raise MissingPrerequisite(
            f"there is no program {command[0]} on this host", remedy="lab doctor --install"
        ) from missing
    except PermissionError as denied:
        raise error(f"{command[0]} may not be run: {denied.strerror}", remedy=remedy) from denied
    except subprocess.TimeoutExpired as late:
        text = f"no end after {timeout_s:g} s of: {pasteable(command, environment, folder)}"
        raise error(text, remedy=remedy) from late
    out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    if done.returncode not in codes:
        said = tail(err) or tail(out) or "it said nothing"
        text = f"exit code {done.returncode} of: {pasteable(command, environment, folder)}\n{said}"
        raise error(text, remedy=remedy)
    return Done(code=done.returncode, out=out, err=err)


def pasteable(
    command: Sequence[Argument],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """The command as a line for a shell."""
    words = [f"{name}={shlex.quote(value)}" for name, value in sorted((environment or {}).items())]
    line = " ".join([*words, shlex.join(str(word) for word in command)])
    return f"cd {shlex.quote(str(folder))} && {line}" if folder else line


def found(program: str) -> Path | None:
    """Where a program is: on PATH, or where daemons are, which a user's PATH may leave out."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    place = shutil.which(program, path=path)
    return Path(place) if place else None


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a program's output that say something."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


class Conversation:
    """A program that is asked and answers on its pipes until it is closed.

    Raises LabError where it ends before it has answered.
    """

    def __init__(self, command: Sequence[Argument], *, folder: Path | None = None) -> None:
        self._command = [str(word) for word in command]
        try:
            self._child = subprocess.Popen(
                self._command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except FileNotFoundError as missing:
            raise MissingPrerequisite(
                f"there is no program {command[0]} on this host", remedy="lab doctor --install"
            ) from missing

    def write(self, data: bytes) -> None:
        """Ask; it is sent at once."""
        pipe = self._child.stdin
        try:
            if pipe is not None:
                pipe.write(data)
                pipe.flush()
        except BrokenPipeError as gone:
            raise self._ended() from gone

    def line(self) -> bytes:
        """One line of the answer, with its end."""
        answer = self._child.stdout.readline() if self._child.stdout else b""
        if not answer:
            raise self._ended()
        return answer

    def read(self, size: int) -> bytes:
        """Exactly so many bytes of the answer."""
        answer = self._child.stdout.read(size) if self._child.stdout else b""
        if len(answer) != size:
            raise self._ended()
        return answer

    def close(self) -> None:
        """Let it end, and wait for that."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child.wait()

    def _ended(self) -> LabError:
        return LabError(f"it ended early: {pasteable(self._command)}")


def process_start(pid: int) -> str | None:
    """When a process started: a process number alone may have been given away again.

    The boot's id and clock ticks since then (proc_pid_stat(5), field 22); None where it is gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The name in field 2 may hold spaces and brackets: count from behind it.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}/{fields[18]}"
