#!/bin/sh
# distributed 2026.8.0: retries=0 does not mean "at most once".
#
# Guess: client.submit(build, retries=0) runs a build once; if its worker dies, the task fails.
# Seen: retries counts exceptions only. A task whose worker process ends is run again on the next
# worker, four times in all (distributed.scheduler.allowed-failures, 3 by default, counts workers
# lost to a task), and only then fails with KilledWorker.
# Whoever hands out work with effects (an image build, a deployment) must set allowed-failures to 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check distributed==2026.8.0
cat >"$folder/seen.py" <<'PYTHON'
import logging
import os
import sys
from pathlib import Path

import dask
from distributed import Client, KilledWorker, LocalCluster

logging.disable(logging.CRITICAL)


def effect(path):
    with open(path, "a") as file:
        file.write("ran\n")
    os._exit(1)  # as a worker that the kernel kills, or whose host goes


def runs(place, **settings):
    path = Path(sys.argv[1]) / place
    with dask.config.set(settings):
        with LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster, Client(cluster) as client:
            future = client.submit(effect, str(path), retries=0, pure=False)
            try:
                future.result(timeout=120)
            except KilledWorker:
                pass
    return len(path.read_text().splitlines())


if __name__ == "__main__":
    by_default = runs("default")
    print("retries=0, default settings: ran", by_default, "times")
    strict = runs("strict", **{"distributed.scheduler.allowed-failures": 0})
    print("retries=0, allowed-failures 0: ran", strict, "time")
    assert by_default == 4
    assert strict == 1
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
echo "as found with distributed 2026.8.0"
