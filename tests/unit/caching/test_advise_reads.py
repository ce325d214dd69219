"""What a step reads unasked: rewrites that would keep it from it, and so must not be offered."""

from __future__ import annotations

import pytest

from lab.caching.advise import advise, offer, over_edits, rewrites
from lab.caching.advise.rewrite import Rewrite
from lab.dockerfile.cachekey import archive_rules
from lab.dockerfile.context import Context
from lab.dockerfile.edits import Inputs
from tests.unit.caching.test_advise import BAD, FILES, TWO

DEPENDENCIES, PACKAGES = "dependencies before sources", "packages before sources"
LINK, NARROWER = "COPY --link", "narrower COPY"
ROOT = TWO.replace("./cmd/one", ".")


def offered(
    text: str, files: dict[str, str], kind: str, own_ignore: str | None = None
) -> list[Rewrite]:
    inputs = built_of(text, files, own_ignore)
    return [one for one in rewrites(inputs) if one.kind == kind and not one.alters]


def built_of(text: str, files: dict[str, str], own_ignore: str | None = None) -> Inputs:
    return Inputs(
        dockerfile=text,
        dockerfile_path="Dockerfile",
        context=Context.of_files(FILES | files),
        own_ignore=own_ignore,
    )


def fetching(image: str, command: str, above: str = "") -> str:
    return f"FROM {image}\n{above}WORKDIR /app\nCOPY . .\nRUN {command}\n"


PIP = fetching("python", "pip install -r requirements.txt")
NPM, YARN = fetching("node", "npm ci"), fetching("node", "yarn install --immutable")
PNPM = fetching("node", "pnpm install --frozen-lockfile")


@pytest.mark.parametrize(
    ("text", "files"),
    [
        (fetching("python", "pip install -f wheels -r requirements.txt"), {"wheels/a.whl": ""}),
        (fetching("python", "pip install -r requirements.txt -t lib"), {}),
        (PIP, {"requirements.txt": "-f wheels\na\n"}),
        (PIP, {"requirements.txt": "wheels/a.whl\n"}),
        (PIP, {"requirements.txt": "a-1.0.tar.gz  # ours\n"}),
        (PIP.replace("\n", "\nENV PIP_CONSTRAINT=limits.txt\n", 1), {"limits.txt": ""}),
        (fetching("node", "npm ci --prefix=web"), {"web/package.json": "{}"}),
        (NPM, {"package.json": '{"scripts": {"postprepare": "x"}}'}),
        (NPM, {"package.json": '{"scripts": {"dependencies": "x"}}'}),
        (NPM, {"binding.gyp": "{}"}),
        (YARN, {"package.json": '{"dependencies": {"a": "portal:../a"}}'}),
        (YARN, {"package.json": '{"dependencies": {"a": "patch:a@1#patches/a"}}'}),
        (YARN, {".yarnrc": 'yarn-path "tools/yarn.js"'}),
        (PNPM, {"package.json": '{"pnpm": {"patchedDependencies": {"a": "patches/a"}}}'}),
        (PNPM, {"pnpm-workspace.yaml": "packages: [web]"}),
        (PNPM, {".pnpmfile.cjs": ""}),
        (fetching("ruby", "bundle install --frozen"), {"Gemfile": 'ruby file: "version"\n'}),
        (fetching("composer", "composer install -o"), {"composer.json": "{}"}),
        (fetching("composer", "composer install"), {"composer.json": "{}", ".git/HEAD": ""}),
        (
            fetching("composer", "composer install --no-dev --optimize-autoloader"),
            {"composer.json": '{"autoload": {"psr-4": {"App\\\\": "src/"}}}'},
        ),
        (
            fetching("composer", "composer install"),
            {"composer.json": '{"config": {"optimize-autoloader": true}}'},
        ),
        (fetching("maven", "mvn dependency:go-offline package"), {"pom.xml": "<a/>"}),
        (fetching("maven", "mvn dependency:analyze"), {"pom.xml": "<a/>"}),
        (
            fetching("maven", "mvn -s ours.xml dependency:go-offline"),
            {"pom.xml": "<a/>", "ours.xml": "<a/>"},
        ),
        (
            fetching("maven", "mvn dependency:go-offline"),
            {"pom.xml": "<a/>", ".mvn/maven.config": ""},
        ),
        (fetching("rust", "cargo fetch --locked"), {".cargo/config.toml": ""}),
        (fetching("golang", "go mod download", "ENV GOFLAGS=-modfile=ci.mod\n"), {"ci.mod": ""}),
        (
            'FROM golang\nWORKDIR /my app\nCOPY [".", "/my app/"]\nRUN go mod download\n',
            {},
        ),
        ("FROM node\nWORKDIR /app\nCOPY . .\nVOLUME /app\nRUN npm ci\n", {}),
    ],
)
def test_dependencies_that_read_more_stay_where_they_are(text: str, files: dict[str, str]) -> None:
    assert not offered(text, files, DEPENDENCIES)


@pytest.mark.parametrize(
    ("text", "files", "copied"),
    [
        (
            fetching("ruby", "bundle install --frozen"),
            {"Gemfile": 'ruby file: ".ruby-version"\n', ".ruby-version": "3"},
            "COPY Gemfile Gemfile.lock .ruby-version ./",
        ),
        (
            PIP,
            {"requirements.txt": "a==1 \\\n    --hash=sha256:12\n    # via -r ours/in.txt\n"},
            "COPY requirements.txt ./",
        ),
        (PIP, {"requirements.txt": "a @ https://a.org/a.whl\n"}, "COPY requirements.txt ./"),
        (NPM.replace("\n", "\nENV NODE_ENV=test\n", 1), {"test/a.js": ""}, "COPY package.json"),
        (
            fetching("rust", "cargo fetch --locked"),
            {"rust-toolchain.toml": ""},
            "COPY Cargo.toml Cargo.lock rust-toolchain.toml ./",
        ),
    ],
)
def test_what_they_read_goes_with_them(text: str, files: dict[str, str], copied: str) -> None:
    (one,) = offered(text, files, DEPENDENCIES)
    assert copied in one.dockerfile


@pytest.mark.parametrize(
    "text",
    [
        "FROM debian\nCOPY app.py /s/\nVOLUME /var/cache\nRUN apt-get update\n",
        "FROM debian\nWORKDIR /s\nCOPY apt.conf ./\nRUN apt-get -c apt.conf update\n",
        "FROM debian\nENV APT_CONFIG=/s/apt.conf\nCOPY apt.conf /s/\nRUN apt-get update\n",
        "FROM alpine\nENV SSL_CERT_FILE=/s/ca.pem\nCOPY . /s/\nRUN apk add git\n",
    ],
)
def test_packages_that_read_what_was_copied_stay_below_it(text: str) -> None:
    assert not offered(text, {"apt.conf": ""}, PACKAGES)
    plain = "FROM debian\nENV PATH=/s/bin:$PATH\nCOPY app.py /s/\nRUN apt-get update\n"
    assert offered(plain, {"apt.conf": ""}, PACKAGES)


@pytest.mark.parametrize(
    ("folder", "how"),
    [
        ("/app", "offered"),
        ("/opt/app", "offered"),
        ("/usr/src/app", "offered"),
        ("/srv/site/html", "offered"),
        ("/srv/tftp", "altering"),
        ("/home/app", "altering"),
        ("/var/www/html", "altering"),
        ("/opt", "never"),
        ("/usr/src", "never"),
        ("/usr/share/app", "never"),
        ("/etc/app", "never"),
    ],
)
def test_packages_stand_above_an_application_of_its_own_folder(folder: str, how: str) -> None:
    """Where Debian's packages have files is none's own (apt-file over bookworm's contents)."""
    text = (
        f"FROM debian\nWORKDIR {folder}\nCOPY . .\nRUN apt-get update && apt-get install -y gcc\n"
    )
    found = [one for one in rewrites(built_of(text, {})) if one.kind == PACKAGES]
    assert [bool(one.alters) for one in found] == {
        "offered": [False],
        "altering": [True],
        "never": [],
    }[how]


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m pip install -r requirements.txt",
        "python -m pip install --no-cache-dir -r requirements.txt",
        "pip install --upgrade pip && pip install -r requirements.txt",
        "pip install -U pip setuptools wheel && pip3 install -r requirements.txt",
        "python3 -m venv /venv && /venv/bin/pip install -r requirements.txt",
        "python3.11 -m venv /venv && /venv/bin/python -m pip install -r requirements.txt",
    ],
)
def test_pip_is_known_however_it_is_called(command: str) -> None:
    files = {"requirements.txt": "flask==3\n"}
    (one,) = offered(fetching("python", command), files, DEPENDENCIES)
    assert f"COPY requirements.txt ./\nRUN {command}\nCOPY . ." in one.dockerfile
    for shadow in ("pip.py", "venv/bin/pip", "sitecustomize.py"):
        assert not offered(fetching("python", command), files | {shadow: ""}, DEPENDENCIES)


@pytest.mark.parametrize(
    ("text", "files", "why"),
    [
        (NPM, {"package.json": '{"dependencies": {"a": "file:lib"}}'}, "may name"),
        (
            fetching("golang", "go mod download"),
            {"go.mod": "module a\nreplace b => ./lib\n"},
            "go.mod",
        ),
        (PIP, {"pip.py": ""}, "pip.py lies beside"),
        (PIP.replace("-r", "-c limits.txt -r"), {"limits.txt": ""}, "it names limits.txt"),
        (PIP, {"requirements.txt": "flask==3\n"}, None),
        (fetching("debian", "make"), {}, None),
    ],
)
def test_what_is_left_below_the_sources_says_why(
    text: str, files: dict[str, str], why: str | None
) -> None:
    inputs = built_of(text, {"requirements.txt": "flask==3\n"} | files)
    found = offer(
        inputs, over_edits(inputs, ["app.py"], archive_rules("docker"), {}), engine="docker"
    )
    assert [why in told and "(line 4)" in told for told in found.left if why] == [True] * bool(why)
    assert bool(found.left) is bool(why)


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m venv env && env/bin/pip install -r requirements.txt",
        "python3 -m pip install .",
        "pip install --upgrade pip",
        "python3 -m build && pip install -r requirements.txt",
        "/app/bin/pip install -r requirements.txt && ./manage.py",
    ],
)
def test_what_python_runs_besides_is_not_known(command: str) -> None:
    files = {"requirements.txt": "flask==3\n", "env/a": "", "manage.py": ""}
    assert not offered(fetching("python", command), files, DEPENDENCIES)


@pytest.mark.parametrize(
    "text",
    [
        "FROM debian\nARG B=1\nENV A=$B\nRUN apt-get update\nENV B=3\nRUN apt update\nRUN a $A\n",
        "FROM golang\nENV A=a\nRUN go test ./...\nRUN echo $A\n",
        "FROM node\nENV A=a\nRUN npm run build\nRUN echo $A\n",
        "FROM node\nENV A=a\nCOPY .npmrc package.json ./\nRUN npm ci\nRUN echo $A\n",
        "FROM python\nENV A=a\nRUN pip install -r requirements.txt\nRUN echo $A\n",
        "FROM debian\nENV ACCEPT_EULA=Y\nRUN apt-get install -y a\nRUN echo $ACCEPT_EULA\n",
    ],
)
def test_a_variable_that_may_be_read_is_not_moved(text: str) -> None:
    assert not offered(text, {}, "ENV moved down")


def test_a_label_goes_to_the_end_of_its_own_stage() -> None:
    text = "FROM debian AS a\nLABEL x=1\nRUN echo `date`\nFROM debian\nCOPY --from=a /x /x\n"
    (one,) = offered(text, {}, "LABEL moved down")
    assert one.dockerfile.index("LABEL x=1") < one.dockerfile.rindex("FROM debian")


@pytest.mark.parametrize(
    "steps",
    [
        "WORKDIR /app\nCOPY --from=b /one /app\n",
        "RUN mkdir /app && chown 1 /app\nWORKDIR /app\nCOPY --from=b /one .\n",
        "RUN mkdir /app && chown 1 /app\nCOPY --from=b /out /app\n",
        "COPY --from=b /two /app/two\nCOPY --from=b /out /app\n",
        "RUN useradd me\nCOPY --from=b --chown=me:me /one /one\n",
        "COPY --from=b /rootfs/ /\n",
        "COPY --from=b /man /usr/local/man/\n",
    ],
)
def test_a_copy_onto_what_is_there_is_not_linked(steps: str) -> None:
    linked = [
        one.dockerfile for one in offered(f"FROM x AS b\nRUN x\nFROM debian\n{steps}", {}, LINK)
    ]
    assert not [text for text in linked if "--link" in text.splitlines()[-1]]


@pytest.mark.parametrize(
    ("text", "files"),
    [
        (TWO.replace("RUN", "RUN go mod tidy\nRUN", 1), {}),
        (TWO.replace("WORKDIR", "ENV CGO_CFLAGS=-I/src/include\nWORKDIR"), {"include/a.h": ""}),
        (
            ROOT,
            {
                "main.go": 'package main\n\n// #cgo CFLAGS: -Iinclude\nimport "C"\n',
                "include/a.h": "",
            },
        ),
        (ROOT, {"main.go": 'package main\n\n//go:embed "a b"\nvar a string\n', "a b": ""}),
    ],
)
def test_go_that_reads_more_gets_all(text: str, files: dict[str, str]) -> None:
    assert not offered(text, files, NARROWER)


@pytest.mark.parametrize(
    ("text", "files", "copied"),
    [
        (ROOT, {"main.go": "package main\n\nvar (\n\t//go:embed docs\n\td embed.FS\n)\n"}, "docs"),
        (
            TWO,
            {"cmd/one/main.go": 'package main; import _ "example.org/m/lib"\n'},
            "lib",
        ),
    ],
)
def test_what_go_reads_of_folders_is_copied(text: str, files: dict[str, str], copied: str) -> None:
    (one,) = offered(text, files, NARROWER)
    assert f"COPY {copied} ./{copied}/" in one.dockerfile


def test_a_file_that_is_embedded_lies_beside_the_package() -> None:
    files = {"main.go": "package main\n\n//go:embed VERSION\nvar v string\n", "VERSION": "1"}
    (one,) = offered(ROOT, files, NARROWER)
    assert "COPY VERSION go.mod go.sum *.go ./\n" in one.dockerfile
    assert "VERSION/" not in one.dockerfile


@pytest.mark.parametrize(
    "beside",
    [
        "FROM x AS v\nRUN --mount=type=bind,target=/c cd /c && git describe > /v\n",
        "FROM x AS v\nCOPY d* R*D* .gi* /v/\n",
        "FROM x AS v\nARG WHAT\nCOPY $WHAT /v/\n",
    ],
)
def test_what_another_step_sees_is_not_kept_back(beside: str) -> None:
    build = TWO.replace("go build", "go build -buildvcs=false")
    text = build.replace("FROM debian", f"{beside}FROM debian")
    assert offered(build, {".git/HEAD": ""}, "a .dockerignore line")
    assert not offered(text, {".git/HEAD": ""}, "a .dockerignore line")


def test_no_line_goes_into_a_file_that_no_client_reads() -> None:
    assert offered(TWO, {}, "a .dockerignore line")
    assert not offered(TWO, {}, "a .dockerignore line", own_ignore="bin\n")


@pytest.mark.parametrize(
    "fetch",
    [
        "RUN --mount=type=ssh go mod download\n",
        "RUN go mod download\nRUN --network=none make\n",
    ],
)
def test_modules_that_a_later_step_needs_are_not_hidden(fetch: str) -> None:
    text = TWO.replace("COPY . .\n", f"COPY . .\n{fetch}")
    assert not [one for one in offered(text, {}, "cache mount") if "/go/pkg/mod" in one.dockerfile]
    text = TWO.replace("COPY . .\n", "COPY . .\nRUN go mod download\n")
    (one,) = offered(text, {}, "cache mount")
    assert one.dockerfile.count("target=/go/pkg/mod") == 3


@pytest.mark.parametrize(
    ("base", "others"),
    [
        ("golang", ""),
        ("docker.io/golang:1.22", ""),
        ("debian", "COPY --from=golang:1.21 /usr/local/go /opt/go1.21\n"),
    ],
)
def test_one_of_two_toolchains_is_not_stated(base: str, others: str) -> None:
    copy = "COPY --from=golang:1.20 /usr/local/go /opt/go1.20\n"
    rest = "RUN go build -o /x\nFROM debian\nCOPY --from=b /x /x\n"
    assert offered(f"FROM debian AS b\n{copy}{rest}", {}, "stated GOROOT")
    assert not offered(f"FROM {base} AS b\n{copy}{others}{rest}", {}, "stated GOROOT")


@pytest.mark.parametrize(
    ("engine", "version", "storage", "gains"),
    [
        ("docker", "", "", True),
        ("docker", "28.5.2", "overlay2", False),
        ("docker", "28.5.2", "overlayfs (containerd)", True),
        ("docker@28", "", "", False),
        ("docker@28/containerd", "", "", True),
        ("docker", "29.1.0", "overlay2", False),
        ("podman", "5.8.6", "overlay", False),
    ],
)
def test_a_linked_copy_is_offered_where_it_gains(
    engine: str, version: str, storage: str, *, gains: bool
) -> None:
    """As tests/contract/test_cache_matrix.py sees it on the engines."""
    text, edits, kind = BAD["link"]
    inputs = Inputs(dockerfile=text, dockerfile_path="Dockerfile", context=Context.of_files(FILES))
    rules = archive_rules(engine, version, storage)
    found = [
        one
        for one in advise(inputs, over_edits(inputs, edits, rules, {}), engine=engine)
        if one.rewrite.kind == kind
    ]
    assert bool(found) is gains
    assert all("containerd image store alone" in one.rewrite.why for one in found)
