"""What a kernel, a container's confinement and an image's own libc really do: asked, not assumed.

src         the probers in C          compiled    made once, kept by content
answers     what they print -> values
"""

from __future__ import annotations

from lab.probes.answers import BARE, Answer, ProbeResults, Ran

__all__ = ["BARE", "Answer", "ProbeResults", "Ran"]
