"""Jenkins' schema of JUnit XML (its xunit plugin's junit-10.xsd, as pytest keeps it, MIT).

There is no other published one that the readers of such files agree on; GitHub's and GitLab's take
what it allows.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xmlschema

SCHEMA = Path(__file__).parent / "golden" / "junit-10.xsd"


@lru_cache(maxsize=1)
def _schema() -> xmlschema.XMLSchema:
    import xmlschema

    return xmlschema.XMLSchema(str(SCHEMA))


def hold(text: str) -> None:
    """Raises XMLSchemaValidationError where the text is not as the schema has it."""
    _schema().validate(text)
