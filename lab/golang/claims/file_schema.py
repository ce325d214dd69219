"""What a claims file says, as types. docs/verify.md describes every field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema, model_validator

from lab.results.stats import MARGIN
from lab.scenario.field_types import Part

# Every plain scalar stays the text that was written (lab.scenario.yaml_source): 127 may stand
# unquoted.
Text = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]
Value = Text | list[Text]

Kind = Literal["ratio", "value", "order", "fact", "at_least", "at_most", "needs"]


class Expect(Part):
    """One part of a claim that can be held against a measurement."""

    part: str = Field(min_length=1)
    needs: list[str] = Field([])
    series: str | None = None
    against: str | None = None
    ratio: float | None = Field(default=None, gt=0)
    value: float | None = None
    within: float = Field(default=0.1, gt=0, le=1)
    margin: float = Field(default=MARGIN, gt=0, lt=1)
    at_least: float | None = None
    at_most: float | None = None
    order: list[str] = Field([])
    fact: str | None = None
    equals: Text | None = None

    @property
    def kind(self) -> Kind:
        """Which of the ways to hold it against a measurement it is."""
        for name in ("ratio", "value", "fact", "at_least", "at_most"):
            if getattr(self, name) is not None:
                return name
        return "order" if self.order else "needs"

    @model_validator(mode="after")
    def _whole(self) -> Expect:
        ways = [
            name
            for name in ("ratio", "value", "fact", "at_least", "at_most")
            if getattr(self, name) is not None
        ]
        if len(ways) + bool(self.order) > 1:
            raise ValueError("one of ratio, value, order, fact, at_least, at_most")
        if not ways and not self.order and not self.needs:
            raise ValueError("ratio, value, order, fact, at_least or at_most, or what it needs")
        if self.kind == "ratio" and (self.series is None or self.against is None):
            raise ValueError("series and against beside ratio")
        if self.kind in {"value", "at_least", "at_most"} and self.series is None:
            raise ValueError(f"series beside {self.kind}")
        if (self.fact is None) != (self.equals is None):
            raise ValueError("fact and equals together")
        if len(self.order) == 1:
            raise ValueError("at least two series in order")
        return self


class Claim(Part):
    """One claim, the experiment that tests it, and what it says will be seen."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    says: str = Field(min_length=1)
    conditions: dict[str, Text] = Field({})
    experiment: str
    settings: dict[str, Value] = Field({})
    quick: dict[str, Value] = Field({})
    expect: list[Expect] = Field(min_length=1)


class Source(Part):
    """Where the claims come from, and under what conditions they are said to hold."""

    title: str
    where: str = ""
    conditions: dict[str, Text] = Field({})


class ClaimsFile(Part):
    """A file of claims."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    source: Source
    claims: list[Claim] = Field(min_length=1)
