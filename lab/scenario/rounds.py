"""How many rounds a scenario asks for: a number, or from min to max until all is decided."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lab.scenario.field_types import Part

MOST = 10_000
SHARE = r"(?:±|\+-)?[0-9]{1,2}(?:\.[0-9])? ?%"


def _share(value: str) -> str:
    if re.fullmatch(SHARE, value) is None or not float(value.strip("±+-% ")):
        raise PydanticCustomError("lab", "{expected}", {"expected": "a share such as ±5%"})
    return value


class RoundsEntry(Part):
    """From ``min`` to ``max`` rounds, until every comparison is decided."""

    min: Annotated[int, Field(ge=1, le=MOST, description="rounds before anything is decided")] = 3
    max: Annotated[int, Field(ge=1, le=MOST, description="the most rounds")] = 30
    until: Annotated[
        Annotated[str, AfterValidator(_share), Field(pattern=f"^{SHARE}$")] | None,
        Field(description="what is called the same; null: all rounds are run"),
    ] = "±5%"
    metric: Annotated[Literal["wall", "cpu"], Field(description="the seconds that decide")] = "wall"


def _rounds(value: object) -> object:
    """A number is so many rounds, whatever they show."""
    if isinstance(value, dict | RoundsEntry):
        return value
    number = int(str(value)) if re.fullmatch("[0-9]{1,9}", str(value)) else 0
    if 1 <= number <= MOST:
        return {"min": number, "max": number, "until": None}
    expected = f"a whole number from 1 to {MOST}, or a mapping with min, max and until"
    raise PydanticCustomError("lab", "{expected}", {"expected": expected})


def _ordered(entry: RoundsEntry) -> RoundsEntry:
    if entry.until is not None and not entry.min < entry.max <= 300:
        expected = "min below max, and max at most 300, for rounds that end once all is decided"
        raise PydanticCustomError("lab", "{expected}", {"expected": expected})
    return entry


Rounds = Annotated[
    RoundsEntry,
    BeforeValidator(_rounds, json_schema_input_type=int | RoundsEntry),
    AfterValidator(_ordered),
]
UNTIL_DECIDED = RoundsEntry(min=3, max=10)  # where a scenario names none
