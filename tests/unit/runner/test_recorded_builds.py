"""Imported builds as runs: what a file lacks is None, and nothing is kept twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from lab.engines.recorded import files
from lab.model.errors import InputError
from lab.model.record import Build
from lab.results import history, runs
from lab.runner import recorded_builds
from lab.runner.recorded_builds import Found, source
from lab.runner.recorded_runs import Library

GOLDEN = Path(__file__).parents[2] / "golden" / "imported"


def found(name: str, **axes: str) -> list[Found]:
    origin = source(GOLDEN / name)
    told = files.read(GOLDEN / name, None, None)
    return [recorded_builds.found(one, origin, axes) for one in told]


def made(name: str) -> Build:
    return found(name)[0].build


def test_a_build_record_has_nearly_all() -> None:
    build = made("buildx0.29-docker28-cold.dockerbuild")
    assert (build.status, build.phase, build.cell) == ("ok", "imported", {"engine": "docker"})
    assert build.wall_s is not None
    assert build.critical_path_s is not None
    assert 0 < build.critical_path_s <= build.wall_s
    assert build.image is not None
    assert (build.cpu_s, build.peak_memory_bytes, build.context_bytes, build.fit) == (None,) * 4
    assert [note for note in build.notes if "unknown" in note]


def test_a_plain_log_has_durations_of_what_ran_and_no_wall() -> None:
    build = made("buildx0.29-edit.plain.log")
    assert (build.wall_s, build.started, build.critical_path_s, build.unattributed_s) == (None,) * 4
    by_text = {step.instruction: step for step in build.steps}
    ran = by_text["RUN seq 1 3; sleep 0.3; echo built > /app"]
    assert (ran.outcome, ran.started_s, ran.duration_s) == ("miss", None, 0.5)
    hits = [step for step in build.steps if step.outcome == "hit"]
    assert hits
    assert {step.duration_s for step in hits} == {None}
    assert build.steps_s == pytest.approx(0.6)


def test_a_log_without_times_has_none() -> None:
    build = made("podman4.3-cold.log")
    assert {(step.started_s, step.duration_s) for step in build.steps} == {(None, None)}
    assert (build.wall_s, build.steps_s, build.critical_path_s) == (None, None, None)


def test_a_ci_log_has_times_of_day() -> None:
    build = made("buildx0.29-github.log")
    assert build.started == "2026-11-28T09:07:00.472+00:00"
    assert build.wall_s == pytest.approx(2.3, abs=0.1)


def test_rusage_gives_durations_but_of_a_step_that_waited() -> None:
    by_text = {step.instruction: step for step in made("podman4.3-rusage-edit.log").steps}
    assert by_text["COPY main.go /src/"].duration_s == pytest.approx(1.576)
    assert by_text["COPY --from=build /app /app"].duration_s is None


def test_each_build_is_a_run_and_a_second_import_doubles_nothing(tmp_path: Path) -> None:
    both = found("buildx0.29-bake.dockerbuild", branch="main")
    library = Library(tmp_path, "ci")
    first = list(library.keep(both))
    assert [one.build is not None for one in first] == [True, True]
    again = list(Library(tmp_path, "ci").keep(both))
    assert [(one.run, one.build) for one in again] == [(one.run, None) for one in first]
    stored = runs.load(first[0].run, tmp_path)
    assert stored.run.status == "complete"
    assert stored.run.scenario.name == "ci"
    assert "imported" in stored.run.scenario.text.lower()
    assert stored.run.imported[0]["file"] == "buildx0.29-bake.dockerbuild"
    assert stored.builds[0].cell["branch"] == "main"
    assert stored.builds[0].dockerfile is not None
    assert stored.run.id.startswith(f"{datetime.fromisoformat(stored.run.started):%Y%m%d-%H%M%S}")


def test_a_build_is_known_again_in_another_file(tmp_path: Path) -> None:
    """The same build exported alone and with others has one reference."""
    library = Library(tmp_path, "ci")
    (one, other) = found("buildx0.29-bake.dockerbuild")
    renamed = replace(one, origin={**one.origin, "sha256": "0" * 64})
    kept = list(library.keep([one, renamed, other]))
    assert [each.build is not None for each in kept] == [True, False, True]
    assert kept[1].run == kept[0].run


def test_builds_together_are_rounds_in_the_order_of_their_times(tmp_path: Path) -> None:
    cold = found("buildx0.29-docker28-cold.dockerbuild")
    edit = found("buildx0.29-containerd-edit.dockerbuild")
    kept = Library(tmp_path, "app").keep_together([*edit, *cold])
    stored = runs.load(kept[0].run, tmp_path)
    assert [build.round for build in stored.builds] == [1, 2]
    starts = [str(build.started) for build in stored.builds]
    assert starts == sorted(starts)
    more = Library(tmp_path, "app").keep_together([*cold, *found("buildx0.29-github.log")])
    assert [one.build is None for one in more] == [True, False]
    stored = runs.load(more[0].run, tmp_path)
    assert [build.id for build in stored.builds] == ["imported-1", "imported-2", "imported-3"]
    assert (stored.run.status, stored.run.builds) == ("complete", 3)
    assert len(stored.run.imported) == 3


def test_an_import_that_was_stopped_is_taken_up_again(tmp_path: Path) -> None:
    builds = found("buildx0.29-docker28-cold.dockerbuild")
    (kept,) = Library(tmp_path, "ci").keep(builds)
    (tmp_path / kept.run / "run.json").unlink()
    assert runs.runs(tmp_path) == []
    (again,) = Library(tmp_path, "ci").keep(builds)
    assert again.build is not None


def test_history_has_a_point_for_each(tmp_path: Path) -> None:
    library = Library(tmp_path, "ci")
    for name in ("buildx0.29-docker28-cold.dockerbuild", "buildx0.29-github.log"):
        list(library.keep(found(name)))
    (series,) = history.history(tmp_path, scenario="ci")
    assert [round(point.median, 1) for point in series.points] == [1.8, 2.3]


def test_a_time_that_no_file_has_is_that_of_the_file(tmp_path: Path) -> None:
    (kept,) = Library(tmp_path, "ci").keep(found("podman4.3-cold.log"))
    run = runs.load(kept.run, tmp_path).run
    written = (GOLDEN / "podman4.3-cold.log").stat().st_mtime
    assert datetime.fromisoformat(run.started).timestamp() == pytest.approx(written, abs=0.002)
    assert kept.build is not None
    assert kept.build.started is None


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        source(tmp_path)
