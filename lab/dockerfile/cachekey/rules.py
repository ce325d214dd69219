"""What is in each engine's cache keys, for `lab explain`, `lab predict`, `lab replay` and advice.

A rule set picks, out of all the cache inputs, the parts that go into an engine's cache key.
Sources: tried on docker 20.10.24, 26.1.5 and 28.5.2 (both image stores), podman 4.3.1, 5.4.2 and
5.8.6 (tests/contract/test_causes.py, test_cache_mounts.py); for others buildkit's solver/llbsolver,
moby's builder/dockerfile, buildah's imagebuildah/stage_executor.go.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import cache_mounts, excludes, given_names
from lab.dockerfile.cachekey.inputs import CacheInputs, FileFacts, StepFacts, Steps
from lab.dockerfile.cachekey.sources import chosen
from lab.model.engine_name import identity

# text: as it is written; options: whatever their order; kinds: which ids does not matter either
CacheMounts = Literal["text", "options", "kinds"]
Ignores = Literal["nothing", "own", "all"]  # own: the Dockerfile and the .dockerignore
FILE_SYSTEM = frozenset({"RUN", "COPY", "ADD", "WORKDIR", "FROM"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in one engine's cache keys.

    ``metadata`` ENV, LABEL and their like are links of the chain; else they only act through
    the RUNs that see them.
    ``environment`` a RUN's key holds the ENV, USER and SHELL in force (else the chain covers them).
    ``arguments`` it holds the build arguments in force, used or not.
    ``argument_text`` an ARG's own text counts: its default's change is a miss of the ARG itself.
    ``fills_in`` variables in COPY, ENV, WORKDIR and their like are filled in before they count;
    else (``names``) only those in the name that COPY gives to a file.
    ``owner`` the owner of copied files counts. ``folders`` the mode of folders counts.
    ``mounts`` what lies behind a bind mount counts.
    ``ignores`` what of an archive the engine keeps back because the .dockerignore in it says so.
    The lab sends nothing else that it names than the Dockerfile and itself; COPY sees them where
    this is "nothing".
    ``all_stages`` it builds stages that the target does not need.
    ``within`` a step can hit what an earlier step of the same build made.
    ``cleans`` paths of COPY and ADD are cleaned before they count: `./a` is `a`.
    ``root_alone`` of owners, root is distinguished from others, and no two others from each other.
    ``workdir`` a WORKDIR's key holds the arguments, as a RUN's does.
    ``mtime`` the time of copied files counts: no engine known does this.
    ``cache_mounts`` how two cache mounts of a RUN are told apart.
    ``links`` COPY --link does not depend on the step before it.
    ``contents`` of COPY --from what it copies counts, not how its stage came about;
    ``mount_contents`` the same of a mount of another stage.
    ``copies_nothing`` a COPY whose patterns all match nothing copies nothing; else it is refused.
    ``excludes_below`` patterns of --exclude start below what a source names, not at the root.
    """

    engine: str
    metadata: bool = True
    environment: bool = False
    arguments: bool = True
    argument_text: bool = True
    fills_in: bool = True
    names: bool = False
    owner: bool = False
    folders: bool = True
    mounts: bool = True
    ignores: Ignores = "nothing"
    all_stages: bool = False
    within: bool = True
    cache_mounts: CacheMounts = "text"
    links: bool = False
    cleans: bool = False
    root_alone: bool = False
    workdir: bool = False
    mtime: bool = False
    contents: bool = True
    mount_contents: bool = False
    copies_nothing: bool = False
    excludes_below: bool = True


# What the result can depend on, whoever builds: a hit although one of these changed is unsafe.
STRICT = Rules(engine="any", metadata=False, environment=True, argument_text=False, cleans=True)


def archive_rules(engine: str, version: str = "", storage: str = "") -> Rules:
    """The rules of an engine that gets the context as an archive, as the lab's own builds send it.

    ``engine`` is its name, ``version`` and ``storage`` what it said of itself; an unknown version
    is taken for the newest that the name allows. Docker's containerd store can put a layer of
    COPY --link on any other; its graph drivers cannot, and build it as a COPY.
    """
    store = storage or engine
    engine, version = identity(engine, version)
    number = _version(version)
    match engine:
        case "docker":
            return Rules(
                engine=engine,
                metadata=False,
                environment=True,
                argument_text=False,
                owner=number >= (23,),
                within=False,
                cleans=True,
                cache_mounts="kinds" if number >= (26,) else "options",
                links=_containerd(store, number),
                mount_contents=True,
                copies_nothing=True,
            )
        case "docker-classic":
            return Rules(
                engine=engine,
                owner=True,
                mounts=False,
                ignores="own",
                all_stages=True,
                cleans=True,
            )
        case "podman":
            return Rules(
                engine=engine,
                fills_in=False,
                names=True,
                owner=number < (5,),
                root_alone=True,
                mounts=number >= (5, 4),
                excludes_below=False,
                ignores="all",
                cleans=True,
            )
        case _:
            return Rules(engine=engine, fills_in=False, workdir=True, contents=False)


def _containerd(store: str, number: tuple[int, ...]) -> bool:
    """Whether images are in containerd's store: told, or as new installs have it since 29."""
    told = "containerd" in store or "graph" in store or "overlay2" in store
    return "containerd" in store if told else number >= (29,)


def client_rules(engine: str, version: str = "", storage: str = "") -> Rules:
    """The rules of an engine that its own client drives, from a folder: no archive is sent.

    Docker's clients send every file as root's (tried: docker 20.10.24's own, and buildx 0.29 with
    docker 28.5.2), and keep back a Dockerfile that .dockerignore names. Podman 4.3.1,
    built from a folder, tells root from others, as of an archive.
    """
    found = archive_rules(engine, version, storage)
    if found.engine not in {"docker", "docker-classic"}:
        return found
    return replace(found, owner=False, ignores="own")


def facets(inputs: CacheInputs, step: StepFacts, rules: Rules) -> dict[str, str]:
    """The named parts of a step's key. Two equal mappings after equal steps are a hit."""
    return of_text(inputs, step, rules) | of_files(inputs, step, rules)


def of_text(inputs: CacheInputs, step: StepFacts, rules: Rules) -> dict[str, str]:
    """The parts that do not come from the context."""
    if step.keyword == "FROM":
        return {f"base {ref}": digest or ref for ref, digest in _by_place(step.images)}
    if not linked(step, rules):
        return {}
    found = {"text": _text(step, rules)}
    if step.keyword == "RUN" or (step.keyword == "WORKDIR" and rules.workdir):
        found |= _of_run(step, rules)
    elif step.keyword != "ARG":
        used = step.uses if rules.fills_in else given_names.variables(inputs, step, rules.names)
        found |= {
            f"{step.variables[name].kind} {name}": step.variables[name].value
            for name in used
            if name in step.variables
        }
    found |= {f"image {ref}": digest or ref for ref, digest in _by_place(step.images)}
    if step.secrets:
        found["secrets"] = " ".join(step.secrets)
    if inputs.platform:
        found["platform"] = inputs.platform
    return found


def _text(step: StepFacts, rules: Rules) -> str:
    """The instruction's text as far as this engine tells two spellings apart."""
    if step.keyword == "ARG" and not rules.argument_text:
        return "ARG"
    if step.keyword == "RUN" and rules.cache_mounts != "text":
        return cache_mounts.plain(step.text, kinds=rules.cache_mounts == "kinds")
    if step.keyword not in {"COPY", "ADD"} or not rules.cleans or "\n" in step.text:
        return step.text
    return _cleaned(step.text)


@lru_cache(maxsize=4096)
def _cleaned(text: str) -> str:
    """COPY or ADD with its flags in order and its paths in their shortest form."""
    keyword, *words = text.split()
    flags = [word for word in words if word.startswith("--") and not word.startswith("--from=")]
    *sources, last = [word for word in words if not word.startswith("--")] or [""]
    place = posixpath.normpath(last) + ("/" if last.endswith("/") else "")
    cleaned = [posixpath.normpath("/" + word) if "://" not in word else word for word in sources]
    return " ".join([keyword, *sorted(flags), *cleaned, place])


def of_files(inputs: CacheInputs, step: StepFacts, rules: Rules) -> dict[str, str]:
    """The parts that lie in the context."""
    found: dict[str, str] = {}
    for path, facts in files(inputs, step, rules).items():
        found.update(_of_file(path, facts, rules))
    return given_names.without_modes(found) if rules.names and step.chmod else found


def linked(step: StepFacts, rules: Rules) -> bool:
    """Whether the step is one that the engine keeps a key for. For BuildKit WORKDIR / is none:
    there is no folder to make (docker 20.10.24 and 28.5.2, benchmarks/corpus.md).
    """
    makes = step.keyword in FILE_SYSTEM and (step.keyword, step.place) != ("WORKDIR", "/")
    return rules.metadata or makes


def previous(steps: Steps, step: StepFacts, rules: Rules) -> int | None:
    """The step that this one depends on, as this engine sees it."""
    before = step.previous
    while before is not None and not linked(one := steps[before], rules):
        before = one.previous
    return before


def files(inputs: CacheInputs, step: StepFacts, rules: Rules) -> Mapping[str, FileFacts]:
    """What the step reads from the context, by path."""
    wanted = (*step.sources, *(step.mounts if rules.mounts else ()))
    if not wanted:
        return {}
    found = excludes.kept(chosen(inputs.files, wanted), step, below=rules.excludes_below)
    if rules.ignores == "nothing" or inputs.ignore is None:
        return found
    ignore = _ignore(inputs.ignore)
    subject = found if rules.ignores == "all" else {inputs.dockerfile, dockerignore.NAME}
    return {
        path: facts
        for path, facts in found.items()
        if path not in subject or not ignore.excludes(path)
    }


def counted(steps: tuple[StepFacts, ...], inputs: CacheInputs, rules: Rules) -> list[StepFacts]:
    """The steps that the engine goes through for this target."""
    return [
        step
        for step in steps
        if inputs.stages[step.stage].needed or (rules.all_stages and step.stage <= inputs.target)
    ]


def _of_run(step: StepFacts, rules: Rules) -> dict[str, str]:
    found = {
        f"{one.kind} {name}": one.value
        for name, one in step.variables.items()
        if (one.kind == "ENV" and rules.environment) or (one.kind == "ARG" and rules.arguments)
    }
    if rules.environment:
        found |= {
            name: value for name, value in (("USER", step.user), ("SHELL", step.shell)) if value
        }
    return found


def _of_file(path: str, facts: FileFacts, rules: Rules) -> dict[str, str]:
    if facts.kind == "directory":
        return {f"file {path} mode": f"{facts.mode:o}"} if rules.folders else {}
    found = {f"file {path} content": f"{facts.kind} {facts.content}"}
    if facts.kind == "file":
        found[f"file {path} mode"] = f"{facts.mode:o}"
    if rules.owner:
        root = facts.owner == "0:0"
        found[f"file {path} owner"] = facts.owner if root or not rules.root_alone else "another"
    if rules.mtime:
        found[f"file {path} time"] = str(facts.mtime)
    return found


def _by_place(images: Mapping[str, str | None]) -> list[tuple[str, str | None]]:
    """A base is named by its place, not its reference: another reference is a change of it."""
    return [(f"#{place}", digest or ref) for place, (ref, digest) in enumerate(images.items())]


@lru_cache(maxsize=64)
def _ignore(text: str) -> dockerignore.Ignore:
    return dockerignore.parse(text)


def _version(text: str) -> tuple[int, ...]:
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else (10**6,)
