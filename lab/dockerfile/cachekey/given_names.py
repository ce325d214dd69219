"""The variables that count where an engine's key holds an instruction as it is written.

Podman's key of a COPY is its destination's text and a digest of what it adds, with the names that
this gets there: so of `COPY a /$DIR/$NAME` NAME counts, of `COPY a /$DIR/` nothing does. ENV,
LABEL, WORKDIR and USER count by their text. An ARG's change is then no miss, and the image keeps
what the former value gave: seen on podman 4.3.1 and 5.8.6 (tests/contract/test_filled_in.py).
With --chmod the modes of what is copied are none of that digest: it is made of what is added.
Source: buildah's imagebuildah/stage_executor.go, getCreatedBy.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.dockerfile.cachekey.inputs import CacheInputs, StepFacts
from lab.dockerfile.cachekey.variables import names


def variables(inputs: CacheInputs, step: StepFacts, counted: bool) -> tuple[str, ...]:
    """Those in the name that a COPY gives to a single file, and in a here-document's text."""
    if not counted or step.keyword not in {"COPY", "ADD"}:
        return ()
    head, _, body = step.text.partition("\n")
    words = [word for word in head.split()[1:] if not word.startswith("--")]
    single = len(words) == 2 and _is_file(inputs, step)
    renamed = single and not words[-1].endswith("/")
    given = names(words[-1].rpartition("/")[2]) if renamed else ()
    inside = set(names(body)) & set(step.uses)
    return tuple(dict.fromkeys((*given, *sorted(inside))))


def without_modes(found: Mapping[str, str]) -> dict[str, str]:
    """A key's parts without the modes of files and folders."""
    return {name: value for name, value in found.items() if not name.endswith(" mode")}


def _is_file(inputs: CacheInputs, step: StepFacts) -> bool:
    """Whether what is copied is a file, as far as the context tells."""
    known = [inputs.files[source] for source in step.sources if source in inputs.files]
    return all(one.kind == "file" for one in known)
