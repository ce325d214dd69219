"""All of the chaos, one part after another, in about half an hour: `make chaos`.

    python -m tests.chaos --seed 1 [PART...]

Each part is a module beside this one, prints what it found and how to repeat it, and can be run by
itself. Exits with 1 where any part found something.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

KILLED = ("run", "import", "replay", "validate", "compare")
PARTS = {
    "fuzz": ["fuzz", "--count", "COUNT"],
    "kills": ["kills", "--count", "60", *KILLED],
    "kills-engines": ["kills", "--count", "15", "docker", "podman", "users-docker"],
    "starved": ["starved", "--count", "20"],
    "streams-docker": ["streams", "--count", "50", "docker"],
    "streams-podman": ["streams", "--count", "50", "podman"],
    "engine-kills-docker": ["engine_kills", "--count", "8", "docker"],
    "engine-kills-podman": ["engine_kills", "--count", "8", "podman"],
    "soak": ["soak", "--count", "2000", "simulated"],
    "soak-docker": ["soak", "--count", "200", "docker"],
}
SEEDED = frozenset({"fuzz", "kills", "starved", "streams", "engine_kills"})


def main() -> int:
    """Run the parts that are named, by default all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", default="1000", help="damaged inputs of each format")
    options = parser.parse_args()
    found = []
    for name in options.parts or PARTS:
        module, *words = [word.replace("COUNT", options.count) for word in PARTS[name]]
        seed = ["--seed", options.seed] if module in SEEDED else []
        print(f"== {name}", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"tests.chaos.{module}", *seed, *words]
        if subprocess.run(command, check=False).returncode != 0:
            found.append(name)
        print(f"   {time.monotonic() - began:.0f} s", flush=True)
    print(f"found something: {', '.join(found)}" if found else "nothing was found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
