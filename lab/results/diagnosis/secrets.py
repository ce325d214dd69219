"""Secrets in what a build printed: masked before a line is shown or kept anywhere else."""

from __future__ import annotations

import re

MASK = "[masked]"
_NAMES = (
    r"(?:[a-z0-9]+[_-])*(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|credentials?|auth(?:token)?)(?:[_-](?:id|key|value))?"
)
_KNOWN = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # AWS
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_\w{20,}\b"  # GitHub
    r"|\bglpat-[\w-]{16,}|\bnpm_[A-Za-z0-9]{30,}\b|\bpypi-[\w-]{40,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bsk-[\w-]{20,}|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"  # a JSON web token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*"
)
_IN_ADDRESS = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)|(?<=://)[^\s/@:]{16,}(?=@)")
_HEADER = re.compile(
    r"(?i)\b(authorization:?\s*(?:bearer|basic|token)?|bearer|basic)\s+[\w.+/=~-]{8,}"
)
_NAMED = re.compile(
    rf"(?i)(\b{_NAMES}[\"']?\s*[=:]\s*[\"']?)(?!\s|[\"']|\[masked\])([^\s\"',;&]+)"
    rf"|(--{_NAMES}\s+)(?!-)(\S+)"
)


def masked(line: str) -> str:
    """The line with what looks like a secret replaced; where one stands stays visible."""
    line = _KNOWN.sub(MASK, line)
    line = _IN_ADDRESS.sub(MASK, line)
    line = _HEADER.sub(rf"\1 {MASK}", line)
    return _NAMED.sub(lambda one: (one[1] or one[3]) + MASK, line)
