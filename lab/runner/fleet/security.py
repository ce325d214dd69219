"""Who belongs to a fleet: certificates of an authority of its own, and where none are asked for."""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.host import process
from lab.host.disk import disk
from lab.model.errors import InputError

PORT = 8790
ROLES = ("home", "scheduler", "worker")
_DAYS = "825"  # as long as clients take certificates of private authorities for good
_AUTHORITY, _CERTIFICATE, _KEY = "ca.pem", "cert.pem", "key.pem"
_OF_AUTHORITY = ("ca.key", _AUTHORITY, "ca.srl")
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
# What RFC 5280 asks of a member's certificate; from Python 3.13 on it is held to that.
_EXTENSIONS = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One member's files: the authority that it trusts, its own certificate and its key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a fleet's scheduler is, and as whom one speaks to it; None: unencrypted, loopback."""

    host: str
    port: int
    identity: Identity | None

    @property
    def url(self) -> str:
        """The address as dask.distributed has it."""
        return self.at(self.host, self.port)

    def at(self, host: str, port: int) -> str:
        """Another member's address."""
        host = f"[{host}]" if ":" in host else host
        return f"{'tcp' if self.identity is None else 'tls'}://{host}:{port}"


def place(address: str, folder: Path | None) -> Place:
    """The place that a user names, ``HOST`` or ``HOST:PORT``, with the member's folder.

    Raises InputError beyond loopback without certificates, and where the folder holds none.
    """
    found = re.fullmatch(
        r"(?:(?:tls|tcp)://)?(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+)(?::(\d{1,5}))?", address
    )
    if found is None or int(found[2] or 0) > 65535:
        raise InputError(
            f"{address!r} is no address of a fleet",
            remedy=f"HOST or HOST:PORT; port {PORT} by default",
        )
    host, port = found[1].strip("[]"), PORT if found[2] is None else int(found[2])
    if folder is None:
        if not _is_loopback(host):
            raise InputError(
                f"{host} is not this machine: a fleet beyond it is joined with a certificate",
                remedy="lab fleet certificates DIR makes them; then --certificates DIR/ROLE",
            )
        return Place(host=host, port=port, identity=None)
    return Place(host=host, port=port, identity=_identity(folder))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _identity(folder: Path) -> Identity:
    files = [folder / name for name in (_AUTHORITY, _CERTIFICATE, _KEY)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise InputError(
            f"{folder} lacks {', '.join(missing)}",
            remedy="name a folder that lab fleet certificates made, such as fleet/worker",
        )
    authority, certificate, key = files
    return Identity(authority=authority, certificate=certificate, key=key)


def make(folder: Path, members: Sequence[str] = ROLES) -> list[Path]:
    """A folder for each member, signed by the authority in ``folder``, which is made where missing.

    The authority's key stays in ``folder``: who has it lets others in. Raises InputError for a
    member that has a certificate already, MissingPrerequisite without openssl.
    """
    for name in members:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name):
            raise InputError(f"{name!r} is no name of a member", remedy="letters, digits and . _ -")
        if (folder / name).exists():
            raise InputError(
                f"{folder / name} is there already", remedy="name another member, or remove it"
            )
    with _undone(folder, members), disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        _authority(folder)
        return [_member(folder, name) for name in members]


@contextmanager
def _undone(folder: Path, members: Sequence[str]) -> Iterator[None]:
    """What was made for nothing is taken away after an error."""
    known = folder.exists(), (folder / "ca.key").exists()
    try:
        yield
    except BaseException:
        made = [folder / name for name in (*members, *(() if known[1] else _OF_AUTHORITY))]
        for path in made if known[0] else [folder]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        raise


def _authority(folder: Path) -> None:
    if not (folder / "ca.key").exists():
        _openssl(
            *("req", "-x509", *_NEW_KEY, "-days", _DAYS, "-subj", "/CN=lab fleet authority"),
            *("-addext", "keyUsage = critical, keyCertSign, cRLSign"),
            *("-keyout", folder / "ca.key", "-out", folder / _AUTHORITY),
        )


def _member(folder: Path, name: str) -> Path:
    own = folder / name
    with disk(own):
        own.mkdir(mode=0o700)
        (own / _AUTHORITY).write_bytes((folder / _AUTHORITY).read_bytes())
        (own / "extensions").write_text(_EXTENSIONS)
    _openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", own / _KEY, "-out", own / "csr")
    _openssl(
        *("x509", "-req", "-days", _DAYS, "-in", own / "csr", "-extfile", own / "extensions"),
        *("-CA", folder / _AUTHORITY, "-CAkey", folder / "ca.key", "-CAcreateserial"),
        *("-out", own / _CERTIFICATE),
    )
    with disk(own):
        (own / "csr").unlink()
        (own / "extensions").unlink()
    return own


def _openssl(*words: process.Argument) -> None:
    process.run(["openssl", *words], error=InputError, remedy="see that the folder can be written")
