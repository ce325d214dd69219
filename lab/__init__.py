"""The container image build lab: what was measured, how sure that is, and why.

What is named in ``__all__`` is the Python API; docs/python.md says how to use it, and what of it
stays. It is loaded when it is first asked for: `import lab` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.cli.api.advice import Advised as Advised
    from lab.cli.api.advice import advise as advise
    from lab.cli.api.measured import Comparison as Comparison
    from lab.cli.api.measured import Measured as Measured
    from lab.cli.api.measured import compare as compare
    from lab.cli.api.measured import open_run as open_run
    from lab.cli.api.measured import run as run
    from lab.cli.api.measured import runs as runs
    from lab.cli.api.prediction import Predicted as Predicted
    from lab.cli.api.prediction import predict as predict
    from lab.cli.api.rebuild import Rebuild as Rebuild
    from lab.cli.api.rebuild import why as why
    from lab.model.errors import LabError as LabError

__version__ = "0.2.0"

_HOMES = {
    "Advised": "lab.cli.api.advice",
    "Comparison": "lab.cli.api.measured",
    "LabError": "lab.model.errors",
    "Measured": "lab.cli.api.measured",
    "Predicted": "lab.cli.api.prediction",
    "Rebuild": "lab.cli.api.rebuild",
    "advise": "lab.cli.api.advice",
    "compare": "lab.cli.api.measured",
    "open_run": "lab.cli.api.measured",
    "predict": "lab.cli.api.prediction",
    "run": "lab.cli.api.measured",
    "runs": "lab.cli.api.measured",
    "why": "lab.cli.api.rebuild",
}
__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - all are names, and a test asks for each


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
