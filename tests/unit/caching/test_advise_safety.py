"""Rewrites that would change what the image holds, and so must not be offered as such."""

from __future__ import annotations

import pytest

from lab.caching.advise import rewrites
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from tests.unit.caching.test_advise import BAD, FILES, TWO

# name -> Dockerfile, files beside, the kind that would change the image and must not be offered
UNSAFE: dict[str, tuple[str, dict[str, str], str]] = {
    "a replaced module": (
        BAD["go"][0],
        {"go.mod": "module m\nreplace x => ./lib\n"},
        "dependencies before sources",
    ),
    "a workspace": (BAD["go"][0], {"go.work": "use ./lib"}, "dependencies before sources"),
    "install scripts": (
        BAD["node"][0],
        {"package.json": '{"scripts": {"prepare": "node build.js"}}'},
        "dependencies before sources",
    ),
    "fetched before, copied over": (
        BAD["node"][0],
        {"node_modules/a/index.js": "a"},
        "dependencies before sources",
    ),
    "a lock that is written": (
        "FROM node\nWORKDIR /app\nCOPY . /app/\nRUN npm install\n",
        {},
        "dependencies before sources",
    ),
    "more than fetched": (
        "FROM golang\nCOPY . .\nRUN go mod download && go vet ./...\n",
        {},
        "dependencies before sources",
    ),
    "requirements of the project": (
        BAD["python"][0],
        {"requirements.txt": "-e .\n"},
        "dependencies before sources",
    ),
    "cargo without a stated target": (
        BAD["rust"][0],
        {"Cargo.toml": "[package]\n"},
        "dependencies before sources",
    ),
    "another folder's": (
        "FROM node\nWORKDIR /app\nCOPY . /app/\nRUN npm ci --prefix=./web\n",
        {},
        "dependencies before sources",
    ),
    "another folder's, by cd": (
        "FROM node\nCOPY . /app/\nRUN cd /srv && npm ci\n",
        {},
        "dependencies before sources",
    ),
    "a file that gets another name": (
        "FROM node\nWORKDIR /app\nCOPY package.json package-lock.json ./\nCOPY app.py .npmrc\n"
        "RUN npm ci\n",
        {},
        "dependencies before sources",
    ),
    "folders that a pattern flattens": (
        "FROM node\nWORKDIR /app\nCOPY package.json package-lock.json ./\n"
        "COPY do* ./\nRUN npm ci\n",
        {},
        "dependencies before sources",
    ),
    "what another stage brings": (
        "FROM node AS a\nFROM node\nWORKDIR /app\nCOPY package.json package-lock.json ./\n"
        "COPY --from=a docs ./docs\nCOPY app.py ./\nRUN npm ci\n",
        {},
        "dependencies before sources",
    ),
    "a copy that a WORKDIR between would send elsewhere": (
        "FROM node\nWORKDIR /srv\nCOPY package.json package-lock.json app/\nCOPY app.py app/\n"
        "WORKDIR /srv/app\nRUN npm ci\n",
        {},
        "dependencies before sources",
    ),
    "a lock that the whole brings back": (
        "FROM node\nWORKDIR /app\nCOPY package.json package-lock.json ./\nCOPY . .\n"
        "RUN npm install\n",
        {},
        "dependencies before sources",
    ),
    "an option of the shell": (
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN set -f && npm ci && node [a].js\n",
        {},
        "dependencies in a RUN of their own",
    ),
    "a build although the fetch failed": (
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci && sh -c 'a && b' || npm run build\n",
        {},
        "dependencies in a RUN of their own",
    ),
    "quotes that hold what parts commands": (
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci && sh -c 'a && b'\n",
        {},
        "dependencies in a RUN of their own",
    ),
    "a variable of the shell": (
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN export A=1 && npm ci && npm run build\n",
        {},
        "dependencies in a RUN of their own",
    ),
    "a cd that can fail": (
        "FROM node\nCOPY . /app/\nRUN cd /app || cd /srv && npm ci\n",
        {},
        "dependencies before sources",
    ),
    "a copy that a WORKDIR would send elsewhere": (
        "FROM node\nWORKDIR /srv\nCOPY . app\nWORKDIR /srv/app\nRUN npm ci\n",
        {},
        "dependencies before sources",
    ),
    "another Gemfile": (
        "FROM ruby\nCOPY . .\nRUN BUNDLE_GEMFILE=ci/Gemfile bundle install --frozen\n",
        {},
        "dependencies before sources",
    ),
    "a mounted context": (
        "FROM golang\nCOPY . .\nRUN --mount=source=.,target=/c go mod download\n",
        {},
        "dependencies before sources",
    ),
    "wheels of one's own": (
        "FROM python\nCOPY . .\nRUN pip install --find-links=./wheels -r requirements.txt\n",
        {},
        "dependencies before sources",
    ),
    "a step between": (
        "FROM golang\nCOPY . .\nENV GOFLAGS=-mod=mod\nRUN go mod download\n",
        {},
        "dependencies before sources",
    ),
    "package sources": (
        "FROM debian\nCOPY app.py /etc/apt/sources.list\nRUN apt-get update\n",
        {},
        "packages before sources",
    ),
    "a home that useradd fills": (
        "FROM debian\nCOPY app.py /home/me/\nRUN useradd -m me\n",
        {},
        "packages before sources",
    ),
    "a place that nobody knows": (
        "FROM debian\nCOPY . .\nRUN apt-get update\n",
        {},
        "packages before sources",
    ),
    "packages and a build": (
        "FROM debian\nCOPY app.py /s/\nRUN apt-get install -y gcc && make\n",
        {},
        "packages before sources",
    ),
    "a package that was copied": (
        "FROM debian\nWORKDIR /s\nCOPY app.py ./\nRUN apt-get install -y ./a.deb\n",
        {},
        "packages before sources",
    ),
    "a package that was copied here": (
        "FROM fedora\nWORKDIR /s\nCOPY app.py ./\nRUN yum install -y a.rpm\n",
        {},
        "packages before sources",
    ),
    "a program built in a folder below": (
        TWO.replace(
            "RUN go build -o /out/one ./cmd/one", "RUN cd cmd/one && go build -o /out/one ."
        ),
        {},
        "narrower COPY",
    ),
    "what go reads unasked": (
        "FROM golang\nARG GOARCH=arm64\nRUN go install std\nRUN echo $GOARCH\n",
        {},
        "ARG moved down",
    ),
    "what make reads unasked": (
        "FROM debian\nENV RELEASE=a\nRUN make deps\nRUN echo $RELEASE\n",
        {},
        "ENV moved down",
    ),
    "a folder that is a link": (
        BAD["link"][0].replace("/a /a", "/a /bin/"),
        {},
        "COPY --link",
    ),
    "what git says goes into the program": (TWO, {".git/HEAD": "x"}, "narrower COPY"),
    "the sources are in the image": (
        "FROM golang\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/one ./cmd/one\n",
        {},
        "narrower COPY",
    ),
    "the sources are copied on": (
        TWO + "COPY --from=build /src/docs /docs/\n",
        {},
        "narrower COPY",
    ),
    "a test that reads anything": (
        TWO.replace("RUN go build -o /out/two", "RUN go test ./...\nRUN go build -o /out/two"),
        {},
        "narrower COPY",
    ),
    "a folder above is embedded": (
        TWO.replace("./cmd/one", "."),
        {"main.go": "package main\n\n//go:embed *\nvar all string\n"},
        "narrower COPY",
    ),
    "the image holds the README": (
        "FROM debian\nWORKDIR /s\nCOPY . .\nRUN true\n",
        {},
        "a .dockerignore line",
    ),
    "a program may read the README": (
        "FROM debian AS b\nWORKDIR /s\nCOPY . .\nRUN make\nFROM debian\nCOPY --from=b /a /a\n",
        {},
        "a .dockerignore line",
    ),
    "both programs are taken at once": (
        TWO.replace("/out/two /bin/two", "/out /bin"),
        {},
        "stage split",
    ),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_what_could_change_the_image_is_not_offered(name: str) -> None:
    text, files, kind = UNSAFE[name]
    inputs = Inputs(
        dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES | files)
    )
    assert not [one for one in rewrites(inputs) if one.kind == kind and not one.alters]


def test_a_cache_that_the_image_holds_is_not_mounted_over() -> None:
    text = "FROM golang\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/one ./cmd/one\n"
    inputs = Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    assert not [one for one in rewrites(inputs) if one.kind == "cache mount"]
