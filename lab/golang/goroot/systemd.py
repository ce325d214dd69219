"""Files for systemd that stage a version at boot, checked with systemd's own tools.

The tmpfs is a mount unit of the early boot; systemd-tmpfiles copies the version into it; a service
compares every file with its sum and only then lets ``now`` lead to the copy and takes the right to
write away. What comes of it is what `lab goroot stage` makes: see lab.golang.goroot.stage. A
version
whose copy is not equal has no ``now``: whoever has both places on PATH runs the one on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.golang.goroot import copying, stage
from lab.golang.goroot.home import Home, difference
from lab.host import temporary
from lab.host.disk import disk, write
from lab.host.process import Argument, run
from lab.model.errors import InputError, LabError, SourceError

PACKAGE = "lab doctor --install, or apt-get install systemd"

_MOUNT = """\
# {head}
[Unit]
Description=Memory for Go {version}
Before=systemd-tmpfiles-setup.service

[Mount]
What={source}
Where={place}
Type=tmpfs
Options=size={size},mode=0755,nosuid,nodev

[Install]
WantedBy=local-fs.target
"""
_SERVICE = """\
# {head}
[Unit]
Description=Check the copy of Go {version} in memory and let it take effect
RequiresMountsFor={place} {home}
After=systemd-tmpfiles-setup.service
ConditionPathIsMountPoint={place}

[Service]
Type=oneshot
RemainAfterExit=yes
WorkingDirectory={place}/trees/1
ExecStart=/usr/bin/sha256sum --check --quiet --strict {place}/trees/1.sha256
ExecStart=/usr/bin/ln --symbolic --force --no-dereference trees/1 {place}/now
ExecStart=/usr/bin/mount -o remount,bind,ro {place}

[Install]
WantedBy=multi-user.target
"""
_TMPFILES = """\
# {head}
d {place}/trees 0755
C {place}/trees/1 - - - - {tree}
C {place}/trees/1.sha256 - - - - {sums}
"""


def files(home: Home, version: str) -> Mapping[str, str]:
    """What belongs below /etc to stage a version at boot, by its path there.

    Raises InputError where a path cannot stand in a unit.
    """
    tree = home.installed(version)
    place = stage.place_of(home, version)
    if any(char.isspace() or char in "\\\"'%" for char in str(home.root)):
        raise InputError(
            f"{str(home.root)!r} cannot stand in a unit of systemd",
            remedy="move the versions to a plain path: --home",
        )
    escaped: list[Argument] = ["systemd-escape", "--path", "--suffix=mount", place]
    unit = run(escaped, remedy=PACKAGE).out.strip()
    words = {
        "head": f"lab goroot units {version}",
        "version": version,
        "source": stage.SOURCE,
        "place": place,
        "size": copying.size_of(tree) * stage.ROOM,
        "home": home.root,
        "tree": tree,
        "sums": home.sums_at(version),
    }
    return {
        f"systemd/system/{unit}": _MOUNT.format(**words),
        f"systemd/system/lab-goroot-{version}.service": _SERVICE.format(**words),
        f"tmpfiles.d/lab-goroot-{version}.conf": _TMPFILES.format(**words),
    }


def generate(home: Home, version: str, target: Path) -> tuple[Path, ...]:
    """Write these files below a folder (/etc puts them in effect at the next boot), when systemd's
    tools have no word against them.
    """
    made = files(home, version)
    if differs := difference(home, version):
        raise SourceError(
            f"Go {version} is not what was installed: {differs}",
            remedy=f"its copy would not take effect: lab goroot remove {version}, install it again",
        )
    with temporary.folder("units") as draft:
        for name, text in made.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        check(draft)
    written = []
    with disk(target, "choose another --output folder"):
        for name, text in made.items():
            folder = (target / name).parent
            folder.mkdir(parents=True, exist_ok=True)
            written.append(write(folder, Path(name).name, text))
    return tuple(written)


def check(folder: Path) -> None:
    """Let systemd-analyze and systemd-tmpfiles read what is below a folder as below /etc.

    Raises LabError with what they say against it. The lines for systemd-tmpfiles are carried out
    in an empty root, where what they copy is not there: so nothing is copied, and all is read.
    """
    units = sorted((folder / "systemd/system").iterdir())
    remedy = "please report it: these files are the lab's"
    # It ends with 0 although it warned of a line that it does not know.
    command: list[Argument] = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"]
    done = run([*command, *units], codes=range(256))
    said = [line for line in done.err.splitlines() if str(folder) in line or _of(units, line)]
    if done.code != 0 or said:
        text = "\n".join(said) or done.err.strip()
        raise LabError(f"systemd-analyze verify: {text}", remedy=remedy)
    with temporary.folder("tmpfiles") as root:
        for conf in sorted((folder / "tmpfiles.d").iterdir()):
            done = run(["systemd-tmpfiles", "--create", f"--root={root}", conf], codes=range(256))
            # 73: it could not create something (here what it was to copy); 65: a line is wrong.
            if done.code not in {0, 73} or f"{conf}:" in done.err:
                raise LabError(f"systemd-tmpfiles: {done.err.strip()}", remedy=remedy)


def _of(units: list[Path], line: str) -> bool:
    return any(line.startswith(f"{unit.name}:") for unit in units)
