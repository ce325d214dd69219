"""The gate: has a candidate become worse than its baseline by more than a policy allows?

Three answers: pass, fail, cannot tell. Pure values; fresh measurements are made by
lab.runner.interleave.
"""

from __future__ import annotations
