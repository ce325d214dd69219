"""What samples allow to be said: summaries, comparisons, and tests with interim analyses.

NumPy and SciPy are imported by the calls that need them, so that `lab --help` does not wait.
"""

from lab.results.stats.noise import Noise, noise
from lab.results.stats.samples import (
    CONFIDENCE,
    Summary,
    median_interval,
    quantile,
    ratios,
    summary,
)
from lab.results.stats.verdicts import (
    MARGIN,
    Comparison,
    Looks,
    Verdict,
    compare_logarithms,
    compare_paired,
    compare_unpaired,
    corrected,
    logarithms,
)

__all__ = [
    "CONFIDENCE",
    "MARGIN",
    "Comparison",
    "Looks",
    "Noise",
    "Summary",
    "Verdict",
    "compare_logarithms",
    "compare_paired",
    "compare_unpaired",
    "corrected",
    "logarithms",
    "median_interval",
    "noise",
    "quantile",
    "ratios",
    "summary",
]
