"""The list of Dockerfiles: where each lies, what it holds, and what Docker's parser says of it."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("dockerfiles.tsv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One Dockerfile: ``repository`` is owner/name on GitHub. ``docker`` is "ok", or with what
    words the parser of BuildKit 0.25.2, which is in Docker 28.5.2, refuses it.
    """

    repository: str
    commit: str
    path: str
    sha256: str
    docker: str

    @property
    def name(self) -> str:
        """Repository and path."""
        return f"{self.repository}/{self.path}"

    @property
    def accepted(self) -> bool:
        """Whether Docker reads it."""
        return self.docker == "ok"


def listed() -> list[Listed]:
    """The whole list."""
    with LIST.open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Listed(**row) for row in rows]


def there(folder: Path) -> tuple[list[tuple[Listed, str]], list[str]]:
    """Those that lie in a folder as FOLDER/owner/name/path, with their texts; and of the others
    what is wrong.
    """
    found, wrong = [], []
    for one in listed():
        path = folder / one.name
        if not path.is_file():
            wrong.append(f"missing: {one.name} (commit {one.commit})")
            continue
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != one.sha256:
            wrong.append(f"another content: {one.name} (the list means commit {one.commit})")
            continue
        found.append((one, data.decode()))
    return found, wrong
