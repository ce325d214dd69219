"""What CI services tell their jobs by environment variables. Pure.

Each table follows the service's own page: docs.github.com "Store information in variables" (Gitea
and Forgejo set the same), docs.gitlab.com "Predefined CI/CD variables", jenkins.io "Using
environment variables" and the Branch API's, buildkite.com/docs/pipelines/environment-variables,
circleci.com/docs/reference/variables, learn.microsoft.com "Use predefined variables" of Azure
Pipelines, docs.drone.io/pipeline/environment/reference, woodpecker-ci.org/docs/usage/environment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.model.origin import Origin, slug

_LONGEST = 300
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NUMBER = re.compile(r"(?:refs/(?:pull|merge-requests)/|.*/)?(\d{1,12})(?:/(?:head|merge))?")
_LARGEST_EVENT = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One CI service: its variables for each fact, in the order in which they are asked.

    A name with braces is a text of several variables. ``sign`` is a variable that it alone sets,
    with its value where others set it too.
    """

    name: str
    sign: tuple[str, str | None]
    commit: Sequence[str]
    branch: Sequence[str]
    change: Sequence[str]
    repository: Sequence[str]
    job: Sequence[str]
    url: Sequence[str]
    folder: Sequence[str]
    head: Sequence[str] = ()


SERVICES = (
    Service(
        name="github",
        sign=("GITHUB_ACTIONS", "true"),
        commit=("GITHUB_SHA",),
        branch=("GITHUB_HEAD_REF", "GITHUB_REF"),
        change=("GITHUB_REF",),
        repository=("GITHUB_REPOSITORY",),
        job=("GITHUB_JOB",),
        url=("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",),
        folder=("GITHUB_WORKSPACE",),
    ),
    Service(
        name="gitlab",
        sign=("GITLAB_CI", "true"),
        commit=("CI_COMMIT_SHA",),
        branch=("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH"),
        change=("CI_MERGE_REQUEST_IID",),
        repository=("CI_PROJECT_PATH",),
        job=("CI_JOB_NAME",),
        url=("CI_JOB_URL",),
        folder=("CI_PROJECT_DIR",),
        head=("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",),
    ),
    Service(
        name="buildkite",
        sign=("BUILDKITE", "true"),
        commit=("BUILDKITE_COMMIT",),
        branch=("BUILDKITE_BRANCH",),
        change=("BUILDKITE_PULL_REQUEST",),
        repository=("BUILDKITE_REPO",),
        job=("BUILDKITE_LABEL", "BUILDKITE_STEP_KEY", "BUILDKITE_PIPELINE_SLUG"),
        url=("{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}", "BUILDKITE_BUILD_URL"),
        folder=("BUILDKITE_BUILD_CHECKOUT_PATH",),
    ),
    Service(
        name="circleci",
        sign=("CIRCLECI", "true"),
        commit=("CIRCLE_SHA1",),
        branch=("CIRCLE_BRANCH",),
        change=("CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"),
        repository=("{CIRCLE_PROJECT_USERNAME}/{CIRCLE_PROJECT_REPONAME}", "CIRCLE_REPOSITORY_URL"),
        job=("CIRCLE_JOB",),
        url=("CIRCLE_BUILD_URL",),
        folder=("CIRCLE_WORKING_DIRECTORY",),
    ),
    Service(
        name="azure",
        sign=("TF_BUILD", None),
        commit=("BUILD_SOURCEVERSION",),
        branch=("SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"),
        change=("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"),
        repository=("BUILD_REPOSITORY_NAME",),
        job=("SYSTEM_JOBDISPLAYNAME", "SYSTEM_JOBNAME"),
        url=("{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",),
        folder=("BUILD_SOURCESDIRECTORY",),
        head=("SYSTEM_PULLREQUEST_SOURCECOMMITID",),
    ),
    Service(
        name="drone",
        sign=("DRONE", "true"),
        commit=("DRONE_COMMIT_SHA",),
        branch=("DRONE_SOURCE_BRANCH", "DRONE_BRANCH"),
        change=("DRONE_PULL_REQUEST",),
        repository=("DRONE_REPO",),
        job=("DRONE_STEP_NAME", "DRONE_STAGE_NAME"),
        url=("DRONE_BUILD_LINK",),
        folder=("DRONE_WORKSPACE",),
    ),
    Service(
        name="woodpecker",
        sign=("CI", "woodpecker"),
        commit=("CI_COMMIT_SHA",),
        branch=("CI_COMMIT_SOURCE_BRANCH", "CI_COMMIT_BRANCH"),
        change=("CI_COMMIT_PULL_REQUEST",),
        repository=("CI_REPO",),
        job=("CI_STEP_NAME", "CI_WORKFLOW_NAME"),
        url=("CI_STEP_URL", "CI_PIPELINE_URL"),
        folder=("CI_WORKSPACE",),
    ),
    # Last: a job of another service may be told where a Jenkins is.
    Service(
        name="jenkins",
        sign=("JENKINS_URL", None),
        commit=("GIT_COMMIT",),
        branch=("CHANGE_BRANCH", "GIT_LOCAL_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        change=("CHANGE_ID",),
        repository=("GIT_URL",),
        job=("JOB_NAME",),
        url=("BUILD_URL",),
        folder=("WORKSPACE",),
    ),
)


def service(variables: Mapping[str, str]) -> Service | None:
    """The service whose job this is; None outside of those that are known."""
    for one in SERVICES:
        variable, value = one.sign
        found = variables.get(variable, "")
        if found and value in {None, found.lower()}:
            return one
    return None


def folder(one: Service, variables: Mapping[str, str]) -> Path | None:
    """Where the service checked the sources out."""
    found = _first(one.folder, variables, _text)
    return Path(found) if found else None


def origin(one: Service, variables: Mapping[str, str]) -> Origin:
    """All that a job's variables say."""
    return Origin(
        commit=_first(one.commit, variables, _commit),
        head=_first(one.head, variables, _commit) or _head_of_event(one, variables),
        branch=_first(one.branch, variables, _branch),
        change=_first(one.change, variables, _number),
        repository=_first(one.repository, variables, slug),
        ci=one.name,
        job=_first(one.job, variables, _text),
        url=_first(one.url, variables, _text),
    )


def _first(
    names: Sequence[str], variables: Mapping[str, str], read: Callable[[str], str | None]
) -> str | None:
    for name in names:
        try:
            text = name.format_map(variables) if "{" in name else variables.get(name, "")
        except KeyError:  # one of its variables is not set
            continue
        if found := read(text.strip()):
            return found
    return None


def _text(text: str) -> str | None:
    return text[:_LONGEST] if text.isprintable() and text else None


def _commit(text: str) -> str | None:
    # Buildkite's may be the word HEAD.
    return text if _COMMIT.fullmatch(text) else None


def _branch(text: str) -> str | None:
    """A branch's name; a tag is none, nor is what a service merged to build a change."""
    short = text.removeprefix("refs/heads/").removeprefix("origin/")
    return None if short.startswith("refs/") else _text(short)


def _number(text: str) -> str | None:
    """The number of a change, or of the reference or page of one; no branch has one."""
    if text.startswith("refs/") and not text.startswith(("refs/pull/", "refs/merge-requests/")):
        return None
    found = _NUMBER.fullmatch(text)
    return found[1] if found else None


def _head_of_event(one: Service, variables: Mapping[str, str]) -> str | None:
    """GitHub builds a merge of a pull request; its event's file says of which commit."""
    path = variables.get("GITHUB_EVENT_PATH")
    if one.name != "github" or not path:
        return None
    try:
        with Path(path).open("rb") as file:
            event = json.loads(file.read(_LARGEST_EVENT))
        return _commit(str(event["pull_request"]["head"]["sha"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
