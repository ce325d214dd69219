"""What an image carries besides its programs: size, rights, dates, certificates, time zones."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.images.opened import Opened
from lab.images.sources.contents import Contents, Node
from lab.images.sources.image_tar import EPOCH

# Where Debian, Fedora, Alpine and Go's own lookup have them: crypto/x509/root_linux.go.
CERTIFICATES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/cert.pem",
)
ZONES = "usr/share/zoneinfo/Europe/Berlin"  # one that every whole set has


@dataclass(frozen=True, slots=True, kw_only=True)
class Hygiene:
    """Paths have their leading slash. Sizes are bytes of files, ``layers`` from the lowest.

    ``wasted`` is what later layers cover or remove and everybody still has to pull, with the
    largest of it in ``wasted_by``. ``newest`` is the latest date of a member; dates are
    ``clamped`` where none is later than the lab's epoch or than ``SOURCE_DATE_EPOCH`` allows.
    """

    layers: tuple[int, ...]
    size: int
    wasted: int
    wasted_by: tuple[tuple[str, int], ...]
    setuid: tuple[str, ...]
    setgid: tuple[str, ...]
    world_writable: tuple[str, ...]
    user: str
    certificates: str | None
    time_zones: bool
    newest: float
    packages: Mapping[str, str]

    @property
    def root(self) -> bool:
        """Whether it runs as root unless somebody says otherwise."""
        return self.user.partition(":")[0] in {"", "0", "root"}

    @property
    def clamped(self) -> bool:
        """Whether no date is later than the lab's epoch."""
        return self.newest <= EPOCH


def hygiene(image: Opened) -> Hygiene:
    """Look at every member of every layer."""
    contents = image.contents
    members = [node for _, node in (*contents.nodes.items(), *contents.hidden)]
    sizes = [0] * len(image.layers)
    for node in members:
        sizes[node.layer] += node.size if node.file else 0
    wasted = sorted(
        ((f"/{path}", node.size) for path, node in contents.hidden if node.file and node.size),
        key=lambda item: -item[1],
    )
    return Hygiene(
        layers=tuple(sizes),
        size=sum(sizes),
        wasted=sum(size for _, size in wasted),
        wasted_by=tuple(wasted[:5]),
        setuid=_named(contents, lambda node: node.file and bool(node.mode & stat.S_ISUID)),
        setgid=_named(contents, lambda node: node.file and bool(node.mode & stat.S_ISGID)),
        world_writable=_named(contents, _world_writable),
        user=str(image.settings.get("User") or ""),
        certificates=next((f"/{path}" for path in CERTIFICATES if contents.find(path)), None),
        time_zones=contents.find(ZONES) is not None,
        newest=max((node.mtime for node in members), default=0.0),
        packages=packages(contents.read("var/lib/dpkg/status") or b""),
    )


def packages(status: bytes) -> dict[str, str]:
    """Debian packages that are installed, with their versions; dpkg(1) has the format."""
    found: dict[str, str] = {}
    for paragraph in status.decode(errors="replace").split("\n\n"):
        fields = dict(
            line.partition(": ")[::2]
            for line in paragraph.splitlines()
            if not line.startswith((" ", "\t"))
        )
        if "Package" in fields and fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = fields.get("Version", "")
    return found


def _world_writable(node: Node) -> bool:
    """A sticky folder such as /tmp is as it has to be, and a link's own rights say nothing."""
    sticky = node.folder and node.mode & stat.S_ISVTX
    return bool(node.mode & stat.S_IWOTH) and node.symlink is None and not sticky


def _named(contents: Contents, holds: Callable[[Node], bool]) -> tuple[str, ...]:
    """The paths of the members of which something holds."""
    return tuple(sorted(f"/{path}" for path, node in contents.nodes.items() if holds(node)))
