"""Edits weighed one by one: what is not worked out again comes out as if all of it were."""

from __future__ import annotations

import pytest

from lab.caching.predict import CacheSimulator, predict
from lab.caching.predict.edit_arguments import apply
from lab.caching.predict.inputs import cache_inputs
from lab.caching.predict.one_edit import Built
from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.cachekey.file_facts import facts
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs

DOCKERFILE = """FROM base AS deps
ARG VERSION=1
COPY go.mod go.sum /src/
COPY --chmod=0755 tools/*.sh /bin/
RUN --mount=type=bind,source=cmd,target=/cmd make
FROM deps AS build
COPY --exclude=*.md . /src
RUN go build
FROM base
ADD --chown=1:1 site /site
COPY --parents cmd/one/main.go docs /x/
COPY --from=build /out /out
"""
FILES = {
    "Dockerfile": DOCKERFILE,
    ".dockerignore": "docs/private\n*.tmp\n",
    "go.mod": "module a\n",
    "go.sum": "",
    "tools/run.sh": "echo\n",
    "tools/notes.txt": "n\n",
    "cmd/one/main.go": "package main\n",
    "cmd/README.md": "# cmd\n",
    "docs/a.md": "a\n",
    "docs/private/b.md": "b\n",
    "site/index.html": "<p>\n",
}
EDITS = [
    *(path for path in FILES if path != "Dockerfile"),
    *(f"{kind}:{path}" for kind in ("touch", "delete") for path in ("go.mod", "site/index.html")),
    "chmod:tools/run.sh=755",
    "chown:cmd/one/main.go=7:7",
    "rename:docs/a.md=docs/c.md",
    "file:cmd/new.go",
    "file:x.tmp",
    "arg:VERSION=2",
    "text:4",
    "base",
]
INPUTS = Inputs(
    dockerfile=DOCKERFILE, dockerfile_path="Dockerfile", context=Context.of_files(FILES)
)


@pytest.mark.parametrize("version", ["20.10.24", "28.5.2"])
@pytest.mark.parametrize("engine", ["docker", "docker-classic", "podman"])
def test_each_edit_comes_out_as_a_whole_prediction(engine: str, version: str) -> None:
    rules = archive_rules(engine, version if engine == "docker" else "")
    built = Built(INPUTS, rules, facts, lambda given: given)
    told = {}
    for text in EDITS:
        edited = apply(text, INPUTS)
        cache = CacheSimulator()
        predict(cache_inputs(INPUTS), rules, cache)
        expected = predict(cache_inputs(edited.inputs, moved=edited.moved), rules, cache).outcomes
        _, found = built.after(edited)
        assert found == {step: expected[step] for step in found}, text
        told[text] = tuple(found.values())
    assert len(set(told.values())) > 5, "edits that come out alike would prove nothing"
