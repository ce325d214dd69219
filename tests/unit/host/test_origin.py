"""Commit, branch and job, as git and the CI services' documented variables have them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lab.host import ci, origin
from lab.host.own_folders import MARK
from lab.model.origin import Origin
from lab.report import setting

C = "ffac537e6cbbf934b08745a378932722df287a53"  # of GitHub's own page of variables
HEAD = "1ecfd275763eff1d6b4844ea3168962458c9f27a"  # of GitLab's

# What each service's page says that it sets, with the values of its own examples.
JOBS: dict[str, tuple[dict[str, str], Origin]] = {
    "github, push": (
        {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_SHA": C,
            "GITHUB_REF": "refs/heads/feature-branch-1",
            "GITHUB_REF_NAME": "feature-branch-1",
            "GITHUB_HEAD_REF": "",
            "GITHUB_REPOSITORY": "octocat/Hello-World",
            "GITHUB_JOB": "greeting_job",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "1658821493",
        },
        Origin(
            commit=C,
            branch="feature-branch-1",
            repository="octocat/Hello-World",
            ci="github",
            job="greeting_job",
            url="https://github.com/octocat/Hello-World/actions/runs/1658821493",
        ),
    ),
    "github, tag": (
        {"GITHUB_ACTIONS": "true", "GITHUB_SHA": C, "GITHUB_REF": "refs/tags/v1.2"},
        Origin(commit=C, ci="github"),
    ),
    "github, pull request": (
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SHA": C,
            "GITHUB_REF": "refs/pull/42/merge",
            "GITHUB_HEAD_REF": "octo/topic",
        },
        Origin(commit=C, branch="octo/topic", change="42", ci="github"),
    ),
    "gitlab, push": (
        {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_COMMIT_SHA": HEAD,
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_REF_NAME": "main",
            "CI_PROJECT_PATH": "gitlab-org/gitlab",
            "CI_JOB_NAME": "build image",
            "CI_JOB_URL": "https://gitlab.com/gitlab-org/gitlab/-/jobs/1",
        },
        Origin(
            commit=HEAD,
            branch="main",
            repository="gitlab-org/gitlab",
            ci="gitlab",
            job="build image",
            url="https://gitlab.com/gitlab-org/gitlab/-/jobs/1",
        ),
    ),
    "gitlab, merged results": (
        {
            "GITLAB_CI": "true",
            "CI_COMMIT_SHA": C,
            "CI_COMMIT_REF_NAME": "refs/merge-requests/1/merge",
            "CI_MERGE_REQUEST_IID": "1",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "patch-1",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
        },
        Origin(commit=C, head=HEAD, branch="patch-1", change="1", ci="gitlab"),
    ),
    "jenkins, multibranch": (
        {
            "JENKINS_URL": "https://ci/",
            "GIT_COMMIT": C,
            "GIT_BRANCH": "origin/main",
            "BRANCH_NAME": "PR-7",
            "CHANGE_ID": "7",
            "CHANGE_BRANCH": "topic",
            "GIT_URL": "https://bot:secret@example.org/team/app.git",
            "JOB_NAME": "app/PR-7",
            "BUILD_URL": "https://ci/job/app/7/",
        },
        Origin(
            commit=C,
            branch="topic",
            change="7",
            repository="team/app",
            ci="jenkins",
            job="app/PR-7",
            url="https://ci/job/app/7/",
        ),
    ),
    "jenkins, plain": (
        {"JENKINS_URL": "https://ci/", "GIT_COMMIT": C, "GIT_BRANCH": "origin/release/2"},
        Origin(commit=C, branch="release/2", ci="jenkins"),
    ),
    "buildkite": (
        {
            "BUILDKITE": "true",
            "BUILDKITE_COMMIT": "HEAD",  # a build that was started without a commit
            "BUILDKITE_BRANCH": "main",
            "BUILDKITE_PULL_REQUEST": "false",
            "BUILDKITE_REPO": "git@github.com:acme-inc/my-project.git",
            "BUILDKITE_PIPELINE_SLUG": "my-project",
            "BUILDKITE_BUILD_URL": "https://buildkite.com/acme-inc/my-project/builds/1514",
        },
        Origin(
            branch="main",
            repository="acme-inc/my-project",
            ci="buildkite",
            job="my-project",
            url="https://buildkite.com/acme-inc/my-project/builds/1514",
        ),
    ),
    "circleci": (
        {
            "CIRCLECI": "true",
            "CIRCLE_SHA1": C,
            "CIRCLE_BRANCH": "topic",
            "CIRCLE_PULL_REQUEST": "https://github.com/acme/app/pull/12",
            "CIRCLE_REPOSITORY_URL": "git@github.com:acme/app.git",
            "CIRCLE_JOB": "build",
        },
        Origin(
            commit=C, branch="topic", change="12", repository="acme/app", ci="circleci", job="build"
        ),
    ),
    "azure, pull request": (
        {
            "TF_BUILD": "True",
            "BUILD_SOURCEVERSION": C,
            "BUILD_SOURCEBRANCH": "refs/pull/17/merge",
            "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/users/raisa/topic",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "17",
            "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
            "BUILD_REPOSITORY_NAME": "app",
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/fabrikamfiber/",
            "SYSTEM_TEAMPROJECT": "Fabrikam",
            "BUILD_BUILDID": "9",
        },
        Origin(
            commit=C,
            head=HEAD,
            branch="users/raisa/topic",
            change="17",
            ci="azure",
            url="https://dev.azure.com/fabrikamfiber/Fabrikam/_build/results?buildId=9",
        ),
    ),
    "drone": (
        {
            "CI": "true",
            "DRONE": "true",
            "DRONE_COMMIT_SHA": C,
            "DRONE_BRANCH": "master",
            "DRONE_SOURCE_BRANCH": "feature/develop",
            "DRONE_PULL_REQUEST": "42",
            "DRONE_REPO": "octocat/hello-world",
            "DRONE_BUILD_LINK": "https://drone.company.com/octocat/hello-world/42",
        },
        Origin(
            commit=C,
            branch="feature/develop",
            change="42",
            repository="octocat/hello-world",
            ci="drone",
            url="https://drone.company.com/octocat/hello-world/42",
        ),
    ),
    "woodpecker": (
        {
            "CI": "woodpecker",
            "CI_COMMIT_SHA": C,
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_PULL_REQUEST": "",
            "CI_REPO": "john-doe/my-repo",
            "CI_STEP_NAME": "build package",
        },
        Origin(
            commit=C, branch="main", repository="john-doe/my-repo", ci="woodpecker",
            job="build package",
        ),
    ),
}  # fmt: skip


def git(folder: Path, *words: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=trunk")
    command = ["git", *settings, *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "main.go").write_text("package main\n")
    (folder / "other").mkdir()
    (folder / "other" / "file").touch()
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.mark.parametrize("job", JOBS)
def test_a_job_says_what_its_service_documents(tmp_path: Path, job: str) -> None:
    variables, told = JOBS[job]
    assert origin.of(tmp_path, variables) == told  # the files are in no repository


def test_no_job_no_origin(tmp_path: Path) -> None:
    assert origin.of(tmp_path, {"CI": "true", "GITHUB_SHA": C}) == Origin()
    assert origin.of(tmp_path / "nowhere", {}) == Origin()


def test_the_change_of_a_merge_that_github_built_is_in_its_event(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": HEAD}}}))
    variables = {**JOBS["github, pull request"][0], "GITHUB_EVENT_PATH": str(event)}
    assert origin.of(tmp_path, variables).head == HEAD
    for text in ("{", "[]", "{}", '{"pull_request": {"head": {"sha": "x"}}}'):
        event.write_text(text)
        assert origin.of(tmp_path, variables).head is None


def test_a_work_tree_tells_commit_branch_and_whether_files_differ(project: Path) -> None:
    commit = git(project, "rev-parse", "HEAD")
    assert origin.of(project, {}) == Origin(commit=commit, branch="trunk", dirty=False)
    (project / "other" / "file").write_text("x")
    assert origin.of(project, {}).dirty
    assert origin.of(project / "other", {}).dirty
    git(project, "checkout", "-q", "--", ".")
    git(project, "mv", "main.go", "moved.go")
    assert origin.of(project, {}).dirty
    assert origin.of(project / "other", {}).dirty is False  # only what is built counts
    git(project, "reset", "-q", "--hard")
    git(project, "checkout", "-q", "--detach")
    assert origin.of(project, {}) == Origin(commit=commit, dirty=False)


def test_new_files_count_but_not_those_that_the_lab_wrote(project: Path) -> None:
    (project / "results" / "run").mkdir(parents=True)
    (project / "results" / "run" / "run.json").write_text('{"schema": "lab.run/1"}')
    (project / "results" / "compared").mkdir()
    (project / "results" / "compared" / MARK).touch()
    assert origin.of(project, {}).dirty is False
    (project / "new file").touch()
    assert origin.of(project, {}).dirty


def test_reading_writes_nothing_into_the_repository(project: Path) -> None:
    (project / "main.go").touch()  # git status would refresh its index
    index = project / ".git" / "index"
    before = (index.stat().st_ino, index.read_bytes())
    origin.of(project, {})
    assert (index.stat().st_ino, index.read_bytes()) == before


def test_a_folder_that_git_passes_over_is_of_no_commit(project: Path) -> None:
    (project / ".gitignore").write_text("made\n")
    (project / "made").mkdir()
    (project / "made" / "Dockerfile").touch()
    assert origin.of(project / "made", {}) == Origin()


def test_a_detached_checkout_has_the_branch_of_its_job(project: Path) -> None:
    commit = git(project, "rev-parse", "HEAD")
    git(project, "checkout", "-q", "--detach")
    job = {"GITLAB_CI": "true", "CI_COMMIT_SHA": commit, "CI_COMMIT_BRANCH": "main"}
    told = origin.of(project, job)
    assert told == Origin(commit=commit, branch="main", dirty=False, ci="gitlab")
    # A job that builds the change's own commit and not GitHub's merge of it.
    github, _ = JOBS["github, pull request"]
    told = origin.of(project, {**github, "GITHUB_WORKSPACE": str(project)})
    assert (told.commit, told.branch, told.change) == (commit, "octo/topic", "42")


def test_another_repository_is_not_of_the_jobs_branch(project: Path, tmp_path: Path) -> None:
    commit = git(project, "rev-parse", "HEAD")
    job = {**JOBS["gitlab, push"][0], "CI_PROJECT_DIR": str(tmp_path)}
    told = origin.of(project, job)
    assert (told.commit, told.branch, told.repository) == (commit, "trunk", None)
    assert (told.ci, told.job) == ("gitlab", "build image")


def test_every_service_is_told_from_the_others() -> None:
    for job, (variables, _) in JOBS.items():
        found = ci.service(variables)
        assert found is not None
        assert found.name == job.split(",", maxsplit=1)[0]


def test_a_report_says_what_was_built() -> None:
    told = Origin(commit=C, head=HEAD, branch="topic", dirty=True, change="7", ci="gitlab", job="b")
    assert setting.origin(told) == (
        f"{C} with changes, merged of {HEAD}, branch topic, change 7, gitlab b"
    )
    assert setting.origin(Origin()) == ""
