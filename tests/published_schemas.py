"""Files held against the schemas that CI systems publish, which check-jsonschema brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def refused(path: Path, schema: str) -> str:
    """Why the schema of this name refuses the file; empty where it does not."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr or "no reason given") if done.returncode else ""
