"""What the soak counts: a leak of each kind is seen."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import ExitStack

from tests.chaos.soak import Held, grown


def test_each_kind_of_leak_is_seen() -> None:
    before = Held.now()
    assert not grown(before, before)
    with ExitStack() as stack:
        for number in range(before.descriptors // 10 + 4):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
            del number
        sleeping = subprocess.Popen(["sleep", "60"])
        stack.callback(sleeping.wait)
        stack.callback(sleeping.kill)
        let_go = threading.Event()
        stack.callback(let_go.set)
        for _ in range(2):
            threading.Thread(target=let_go.wait, daemon=True).start()
        held = b"x" * (60_000_000 + before.memory_kb * 200)
        found = grown(before, Held.now())
        assert held
    told = {line.partition(":")[0] for line in found}
    assert told == {"memory_kb", "descriptors", "threads", "children"}
