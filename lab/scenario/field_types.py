"""The types of single fields in the files that users write, each with what is expected there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic import GetJsonSchemaHandler as JsonHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from lab.images import names
from lab.model import engine_name


class Part(BaseModel):
    """A mapping in such a file; keys that are not named are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Text:
    """A string that matches ``pattern`` from end to end; ``words`` say what is expected.

    The pattern is what keeps a scenario's value from being more than a value: none of them lets
    a line break or another control character through.
    """

    pattern: str
    words: str
    known: tuple[str, ...] = ()  # names that could have been meant

    def check(self, value: str) -> str:
        """The value itself, or an error that says what was expected."""
        if re.fullmatch(self.pattern, value) is None:
            context = {"expected": self.words, "known": self.known}
            raise PydanticCustomError("lab", "{expected}", context)
        return value

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: JsonHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"pattern": f"^(?:{self.pattern})$"}


# A control character, a line or paragraph separator: what could end a line somewhere.
_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"

Name = Annotated[
    str,
    Text(
        r"[a-z0-9][a-z0-9._-]{0,62}",
        "a name of at most 63 lower-case letters, digits, '.', '_' and '-'",
    ),
]
BaseName = Annotated[
    str,
    Text(
        r"[a-z0-9][a-z0-9._+-]{0,62}",
        "a name of at most 63 lower-case letters, digits, '.', '_', '+' and '-'",
    ),
]
Line = Annotated[str, Text(rf"{_PLAIN}{{0,1000}}", "one line without control characters")]
Prose = Annotated[str, Text(rf"(?:{_PLAIN}|[\n\t]){{0,4000}}", "text of at most 4000 characters")]
Words = Annotated[str, Text(rf"{_PLAIN}{{1,1000}}", "one line that is not empty")]
Variable = Annotated[
    str, Text(r"[A-Za-z_][A-Za-z0-9_]{0,62}", "an identifier: letters, digits and '_'")
]
EngineName = Annotated[str, Text(engine_name.PATTERN, engine_name.EXPECTED, engine_name.FAMILIES)]
FolderPath = Annotated[str, Text(rf"{_PLAIN}{{1,1000}}", "a path")]
InnerPath = Annotated[
    str,
    Text(
        rf"(?!/)(?!(?:.*/)?\.\.(?:/|$)){_PLAIN}{{1,1000}}",
        "a path inside the context: relative and without '..'",
    ),
]
Kernel = Annotated[
    str,
    Text(
        rf"(?:host|suite:[a-z][a-z0-9-]{{0,31}}|[0-9]+(?:\.[0-9]+){{1,2}}|(?:[^\s,=]{{1,63}}=)?[^\s,]*/"
        rf"[^\s,]+)(?:,{_PLAIN}{{1,300}})?",
        "host, a version such as 6.1, suite:NAME, a path, or NAME=PATH",
    ),
]
Sha256 = Annotated[str, Text(r"[0-9a-f]{64}", "64 hexadecimal digits")]
GoVersion = Annotated[
    str, Text(r"1\.[0-9]{1,3}(?:\.[0-9]{1,3}|rc[0-9]{1,2})?", "a Go version such as 1.22.10")
]
SuiteName = Annotated[
    str, Text(r"[a-z][a-z0-9-]{0,31}", "a suite such as bullseye, bookworm, trixie or sid")
]
Reference = Annotated[
    str,
    Text(
        r"[a-z0-9][A-Za-z0-9._:/-]{0,200}(?:@sha256:[0-9a-f]{64})?",
        "an image reference such as debian:bookworm",
    ),
]
StageName = Annotated[str, Text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "a stage's name")]
_PHASES = r"cold|rebuild|fresh|(?:edit|fresh):[a-z0-9][a-z0-9._-]{0,62}"
PhaseName = Annotated[str, Text(_PHASES, "cold, rebuild, edit:<name>, fresh or fresh:<edit>")]
Mode = Annotated[str, Text(r"0?[0-7]{3}", "an octal mode such as 0644")]
Duration = Annotated[
    str,
    Text(
        r"(?=[0-9.])(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}(?:\.[0-9]{1,6})?s)?"
        r"|[0-9]{1,9}(?:\.[0-9]{1,6})?ms",
        "a duration such as 500ms, 20s or 1m30s",
    ),
]
Size = Annotated[
    str,
    Text(r"[0-9]{1,6}(?:\.[0-9]{1,3})?(?:B|kB|MB|GB|TB)", "a size such as 64kB, 500MB or 1.2GB"),
]
CpuList = Annotated[
    str, Text(r"[0-9]{1,4}(?:-[0-9]{1,4})?(?:,[0-9]{1,4}(?:-[0-9]{1,4})?)*", "CPUs such as 0-1,3")
]
CachePhase = Annotated[str, Text(rf"\*|{_PHASES}", "a phase, or * for each")]
Value = Annotated[
    Line, Field(json_schema_extra={"type": ["string", "number", "boolean"]})  # YAML's own types
]
AxisName = Annotated[str, Text(rf"{_PLAIN}{{1,63}}", "an axis")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
# Time saved may be negative: a build after an edit can take longer than the cold one.
Saving = Annotated[float, Field(ge=-1000, le=1, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
LayoutName = Literal[
    "default",
    "override",
    "user-home",
    "symlink",
    "hardlink",
    "bind-mount",
    "cache-mount",
    "copy-link",
    "tmpfs",
    "tmpfs-volume",
]
Fact = Literal[
    "host",
    "site",
    "engine",
    "kernel",
    "glibc",
    "cpu",
    "cpu_level",
    "cores",
    "memory_bytes",
    "cgroup",
    "filesystem",
]


def short_base(value: object) -> object:
    """A base's short form: a known suite, one with Go on it, else an image reference."""
    if not isinstance(value, str):
        return value
    if value in names.SUITES:
        return {"suite": value}
    if (suite := names.suite(value)) is not None and suite[1]:
        return {"local": value}
    if re.search(r"[:/@]", value):
        return {"image": value}
    raise PydanticCustomError(
        "lab",
        "{expected}",
        {
            "expected": f"a suite ({', '.join(names.SUITES)}), one with Go (bookworm+go1.22.10), "
            "an image reference with its tag, or a mapping with suite, image, archive, rootfs or "
            "local",
            "known": names.SUITES,
        },
    )
