"""What is in each engine's cache keys, for `lab explain`, `lab predict`, `lab replay` and advice.

A rule set picks, out of all the cache inputs, the parts that go into an engine's cache key.
Sources: tried on docker 20.10.24, 26.1.5 and 28.5.2 (both image stores), podman 4.3.1, 5.4.2 and
5.8.6 (tests/contract/test_causes.py, test_cache_matrix.py); for others buildkit's solver/llbsolver,
moby's builder/dockerfile, buildah's imagebuildah/stage_executor.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lab.dockerfile import dockerignore
from lab.dockerfile.cachekey import copy_text, excludes, given_names, run_text
from lab.dockerfile.cachekey.inputs import CacheInputs, FileFacts, StepFacts, Steps
from lab.dockerfile.cachekey.sources import chosen
from lab.dockerfile.cachekey.variables import assignments

# text: as it is written; options: whatever their order; kinds: which ids does not matter either
CacheMounts = Literal["text", "options", "kinds"]
Ignores = Literal["nothing", "own", "all"]  # own: the Dockerfile and the .dockerignore
ORDER_OF_ENV = "order of ENV"
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
    ``one_slash`` and `//a` is `/a`. ``pairs`` of an ENV names and values count, not its text.
    ``added`` of a COPY from the context counts what it adds, with permissions alone, and where.
    ``margins`` blanks after RUN and at its end count. ``mount_owner`` and ``mount_time`` behind
    a bind mount of the context owners and times count too.
    ``clean_workdir`` a slash at the end of a WORKDIR does not count for itself.
    ``unseen_flags`` options of COPY and ADD that the key does not hold.
    ``root_alone`` of owners, root is distinguished from others, and no two others from each other.
    ``workdir`` a WORKDIR's key holds the arguments, as a RUN's does.
    ``mtime`` the time of copied files counts: no engine known does this.
    ``cache_mounts`` how two RUNs are told apart: by their text, or by what they execute and their
    mounts' options, of cache mounts by no more than their kinds.
    ``links`` COPY --link does not depend on the step before it.
    ``contents`` of COPY --from what it copies counts, not how its stage came about;
    ``mount_contents`` the same of a mount of another stage.
    ``copies_nothing`` a COPY whose patterns all match nothing copies nothing; else it is refused.
    ``excludes_below`` patterns of --exclude start below what a source names, not at the root.
    ``restores_arguments`` an ARG is looked for in a remote cache; else it runs on a fresh engine,
    and with it all that stands on it.
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
    one_slash: bool = False
    pairs: bool = False
    added: bool = False
    margins: bool = False
    mount_owner: bool = False
    mount_time: bool = False
    clean_workdir: bool = False
    unseen_flags: frozenset[str] = frozenset()
    root_alone: bool = False
    workdir: bool = False
    mtime: bool = False
    contents: bool = True
    mount_contents: bool = False
    copies_nothing: bool = False
    excludes_below: bool = True
    restores_arguments: bool = True


# What the result can depend on, whoever builds: a hit although one of these changed is unsafe.
STRICT = Rules(engine="any", metadata=False, environment=True, argument_text=False, cleans=True)


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
        return " ".join(("ARG", *dict(assignments(step.text.partition(" ")[2], bare=True))))
    if step.keyword == "RUN" and rules.cache_mounts != "text":
        return run_text.plain(step.text, kinds=rules.cache_mounts == "kinds")
    if step.keyword == "ENV" and rules.pairs:
        return f"ENV {assignments(step.text.partition(' ')[2])}"
    if step.keyword == "WORKDIR" and rules.clean_workdir and step.place:
        return f"WORKDIR {step.place}"
    return _of_copy(step, rules) if step.keyword in {"COPY", "ADD"} else step.text


def _of_copy(step: StepFacts, rules: Rules) -> str:
    if rules.added and not step.reads and not step.images:
        return copy_text.by_what_it_adds(step.text)
    if not rules.cleans or "\n" in step.text:
        return step.text
    return copy_text.plain(step.text, rules.unseen_flags, one_slash=rules.one_slash)


def of_files(inputs: CacheInputs, step: StepFacts, rules: Rules) -> dict[str, str]:
    """The parts that lie in the context."""
    found = parts_of(files(inputs, step, rules), step, rules)
    if rules.added and " --parents" in step.text:
        above = {parent for source in step.sources for parent in _above(source)}
        modes = {
            f"file {path} mode": f"{inputs.files[path].mode:o}"
            for path in sorted(above & inputs.files.keys())
        }
        found |= given_names.without_modes(modes) if rules.names and step.chmod else modes
    return found


def parts_of(read: Mapping[str, FileFacts], step: StepFacts, rules: Rules) -> dict[str, str]:
    """The parts that files are which a step reads."""
    found: dict[str, str] = {}
    for path, facts in read.items():
        found.update(_of_file(path, facts, step, rules))
    return given_names.without_modes(found) if rules.names and step.chmod else found


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


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
    if rules.margins and step.margins:
        found["blanks around the text"] = step.margins
    if rules.environment:
        found |= {
            name: value for name, value in (("USER", step.user), ("SHELL", step.shell)) if value
        }
        if run_text.is_usual_shell(step.shell):
            del found["SHELL"]
        if step.slash:
            found["slash after WORKDIR"] = "/"
        environment = [name for name, one in step.variables.items() if one.kind == "ENV"]
        if len(environment) > 1:
            found[ORDER_OF_ENV] = " ".join(environment)
    return found


def _of_file(path: str, facts: FileFacts, step: StepFacts, rules: Rules) -> dict[str, str]:
    mounted = step.keyword == "RUN"
    added = step.keyword != "RUN" and rules.added
    if facts.kind == "directory":
        counts = rules.folders and not (added and path in step.sources)
        return {f"file {path} mode": f"{facts.mode:o}"} if counts else {}
    found = {f"file {path} content": f"{facts.kind} {facts.content}"}
    if facts.kind == "file":
        found[f"file {path} mode"] = f"{facts.mode & 0o777 if added else facts.mode:o}"
    if rules.mount_owner if mounted else rules.owner:
        told = facts.owner == "0:0" or mounted or not rules.root_alone
        found[f"file {path} owner"] = facts.owner if told else "another"
    if rules.mtime or (mounted and rules.mount_time):
        found[f"file {path} time"] = str(facts.mtime)
    return found


def _by_place(images: Mapping[str, str | None]) -> list[tuple[str, str | None]]:
    """A base is named by its place, not its reference: another reference is a change of it."""
    return [(f"#{place}", digest or ref) for place, (ref, digest) in enumerate(images.items())]


@lru_cache(maxsize=64)
def _ignore(text: str) -> dockerignore.Ignore:
    return dockerignore.parse(text)
