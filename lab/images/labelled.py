"""An image written again with labels of what it needs, for `docker load` and `podman load`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lab.host.disk import whole
from lab.images.opened import Opened
from lab.images.sources import image_tar

REPOSITORY = "localhost/lab/labelled"


def write(image: Opened, labels: Mapping[str, str], path: Path) -> str:
    """Write a docker-archive; gives the name under which it is loaded.

    Its layers and settings are the image's own; its date and history are the lab's.
    """
    tag = re.sub(r"[^A-Za-z0-9_.-]", "-", image.name).lstrip(".-")[:80] or "image"
    ref = f"{REPOSITORY}:{tag}"
    with whole(path, "choose another file for --labelled") as out:
        image_tar.single(out, ref, image.layers, image.settings, labels)
    return ref
