"""What a docker-archive says of itself: the images in it by their names."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any


def configurations(path: Path) -> dict[str, dict[str, Any]]:
    """The configuration of every image in the archive, by each of its names."""
    with tarfile.open(path, "r:") as tar:

        def document(name: str) -> Any:
            file = tar.extractfile(name)
            return None if file is None else json.load(file)

        return {
            ref: dict(document(entry["Config"]))
            for entry in document("manifest.json")
            for ref in entry["RepoTags"]
        }
