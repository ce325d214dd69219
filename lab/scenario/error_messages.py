"""A file's data checked by its schema; pydantic's errors in the lab's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lab.scenario.finding import Finding, shown

Schema = TypeVar("Schema", bound=BaseModel)


def checked(
    data: Mapping[str, Any], schema: type[Schema]
) -> tuple[Schema | None, tuple[Finding, ...]]:
    """What data says by a schema, or None and every mistake."""
    try:
        return schema.model_validate(data), ()
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, tuple(_in_words(detail, schema) for detail in details)


def _in_words(detail: ErrorDetails, whole: type[BaseModel]) -> Finding:
    """One of pydantic's errors in the lab's words; ``whole`` is what the file as a whole is."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    # "[key]" is how pydantic says that the key is meant, not its value.
    location = tuple(part for part in detail["loc"] if part != "[key]")
    at_key = "[key]" in detail["loc"]
    names = [part for part in location if isinstance(part, str)]
    where = names[-2 if at_key and len(names) > 1 else -1] if names else ""
    if kind == "extra_forbidden":
        known = _fields(location[:-1], whole)
        return Finding(
            location=location,
            found=f"the unknown key {location[-1]!r}",
            expected=f"one of {', '.join(known)}",
            known=known,
            typed=str(location[-1]),
            at_key=True,
        )
    if kind == "missing":
        return Finding(
            location=location[:-1],
            found=f"no {location[-1]}",
            expected=f"the key {location[-1]!r}",
        )
    if kind == "literal_error":
        known = tuple(re.findall(r"'([^']*)'", str(context.get("expected", ""))))
        return Finding(
            location=location,
            found=f"{shown(value)} in {where}",
            expected=f"one of {', '.join(known)}",
            known=known,
            typed=value if isinstance(value, str) else "",
        )
    return Finding(
        location=location,
        found=f"{shown(value)} {'as a key of' if at_key else 'for'} {where}",
        expected=_expected(kind, context),
        known=tuple(context.get("known", ())),
        typed=value if isinstance(value, str) else "",
        at_key=at_key,
    )


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    words = {
        "lab": "{expected}",
        "string_type": "text",
        "int_parsing": "a whole number",
        "int_parsing_size": "a smaller whole number",
        "int_type": "a whole number",
        "float_parsing": "a number",
        "float_type": "a number",
        "finite_number": "a finite number",
        "greater_than_equal": "at least {ge}",
        "less_than_equal": "at most {le}",
        "less_than": "less than {lt}",
        "list_type": "a list",
        "dict_type": "a mapping",
        "model_type": "a mapping",
        "model_attributes_type": "a mapping",
        "too_short": "at least {min_length} of them",
        "string_too_short": "text that is not empty",
        "string_pattern_mismatch": "text like {pattern}",
        "greater_than": "more than {gt}",
        "value_error": "{error}",
    }
    return words.get(kind, "another value").format_map(context)


def _fields(location: Sequence[str | int], model: type[BaseModel]) -> tuple[str, ...]:
    """The keys that the mapping at a location may have."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            inner = _model_in(model.model_fields[part].annotation)
            model = inner or model
    return tuple(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in inner if model is not None), None)
