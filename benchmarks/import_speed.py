"""How many recorded builds a second `lab import` keeps: 1,000 files, varied from real ones.

    python -m benchmarks.import_speed [FILES]

Each file is one that a real client wrote (tests/golden/imported), its times moved by some minutes,
its build's reference another, its durations as they were. Files are written before the clock
starts; the command is run as users run it, into an empty results folder.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import resource
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "imported"
RECORDS = ("buildx0.29-docker28-cold.dockerbuild", "buildx0.29-containerd-edit.dockerbuild")
TEXTS = ("buildx0.29-edit.rawjson", "buildx0.29-github.log", "podman5.8-debug.log")
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def moved(data: bytes, minutes: int) -> bytes:
    """A text with all times of day later by so many minutes."""

    def later(match: re.Match[bytes]) -> bytes:
        at = datetime.fromisoformat(match[0].decode()) + timedelta(minutes=minutes)
        return at.isoformat().encode()

    return _TIME.sub(later, data)


def record(path: Path, number: int) -> bytes:
    """A build record of another reference, begun later: its digests are made anew."""
    with tarfile.open(path) as tar:
        members = {one.name: tar.extractfile(one) for one in tar if one.isfile()}
        blobs = {name: file.read() for name, file in members.items() if file is not None}
    made: dict[str, bytes] = {}

    def kept(descriptor: dict[str, object], data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        descriptor |= {"digest": f"sha256:{digest}", "size": len(data)}
        made[f"blobs/sha256/{digest}"] = data

    index = json.loads(blobs["index.json"])
    manifest_place = index["manifests"][0]
    manifest = json.loads(blobs[_name(manifest_place)])
    for layer in manifest["layers"]:
        kept(layer, blobs[_name(layer)])
    config = json.loads(blobs[_name(manifest["config"])])
    config["Ref"] = f"{number:025d}"
    for name in ("CreatedAt", "CompletedAt"):
        config[name]["seconds"] += 60 * number
    kept(manifest["config"], json.dumps(config, indent=2).encode())
    kept(manifest_place, json.dumps(manifest, indent=2).encode())
    made |= {"index.json": json.dumps(index).encode(), "oci-layout": blobs["oci-layout"]}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in made.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), 1, mtime=0)


def _name(descriptor: dict[str, str]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"


def varied(count: int) -> Iterator[tuple[str, bytes]]:
    """So many files, half of them build records."""
    for number in range(count):
        if number % 2 == 0:
            source = GOLDEN / RECORDS[number // 2 % len(RECORDS)]
            yield f"{number:04}.dockerbuild", record(source, number)
        else:
            name = TEXTS[number // 2 % len(TEXTS)]
            yield f"{number:04}.log", moved((GOLDEN / name).read_bytes(), number)


def imported(files: list[Path], results: Path) -> tuple[float, float]:
    """Seconds of one `lab import`, and of the CPU that it used."""
    lab = Path(sys.executable).with_name("lab")
    command = [lab, "import", "--results", results, *files]
    began, used = perf_counter(), _cpu()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began, _cpu() - used


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, data in varied(count):
            files.append(Path(folder) / name)
            files[-1].write_bytes(data)
        results = Path(folder) / "results"
        print(
            "| import of | files | seconds | builds a second | CPU seconds | builds a CPU second |"
        )
        print("| --- | --- | --- | --- | --- | --- |")
        for what in ("new builds", "builds that are there already"):
            took, used = imported(files, results)
            speeds = f"{took:.1f} | {count / took:.0f} | {used:.1f} | {count / used:.0f}"
            print(f"| {what} | {count} | {speeds} |")
        kept = len(list(results.glob("*/run.json")))
        assert kept == count, f"{kept} runs of {count} files"


if __name__ == "__main__":
    main()
