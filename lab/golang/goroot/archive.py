"""An installed version as one archive with its sums, which place.sh unpacks on a node."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lab.golang.goroot.home import Home, difference
from lab.host.disk import disk, write
from lab.host.process import Argument, run
from lab.model.errors import SourceError

PLACE_SCRIPT = Path(__file__).with_name("place.sh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A packed version and the sum that nodes compare it with."""

    path: Path
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """The node's folder of it: another content never takes its place."""
        return f"{self.version}-{self.sha256[:12]}"


def pack(home: Home, version: str, target: Path) -> Archive:
    """Pack an installed version with its sums, the same bytes each time.

    Raises SourceError where a file is not what was installed.
    """
    tree = home.installed(version)
    if differs := difference(home, version):
        raise SourceError(
            f"Go {version} is not what was installed: {differs}",
            remedy=f"lab goroot remove {version}, and install it again",
        )
    with disk(target, "choose another --output folder"):
        target.mkdir(parents=True, exist_ok=True)
        archive = target / f"goroot-{version}.tar.gz"
        draft = archive.with_name(f".{archive.name}")
        plain = ["--sort=name", "--mtime=@0", "--format=gnu", "--numeric-owner"]
        plain += ["--owner=0", "--group=0"]
        plain += ["--use-compress-program=gzip -n", f"--transform=flags=rh;s,^{version},go,"]
        sums = home.sums_at(version)
        where: list[Argument] = ["-C", tree.parent, tree.name, "-C", sums.parent, sums.name]
        try:
            run(["tar", "--create", "--file", draft, *plain, *where])
            draft.replace(archive)
        finally:
            draft.unlink(missing_ok=True)
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        write(target, f"{archive.name}.sha256", f"{digest}  {archive.name}\n")
    return Archive(path=archive, version=version, sha256=digest)
