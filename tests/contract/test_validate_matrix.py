"""`lab validate` on a booted kernel and in a real container, under a profile that is broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli.main import main

# What the field's articles call "falls back": EPERM is the answer at which glibc does not.
REFUSES_CLONE3 = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
}


@pytest.mark.timeout(900)
def test_a_profile_that_refuses_clone3_stops_new_glibc_and_not_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "clone3.json"
    profile.write_text(json.dumps(REFUSES_CLONE3))
    arguments = ["validate", "bullseye", "trixie", "--engines", "podman", "--private"]
    arguments += ["--kernels", "host 6.1 6.1,secretmem.enable=1 5.15", "--format", "json"]
    arguments += ["--seccomp", str(profile), "--results", str(tmp_path / "results")]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 3
    old, new = json.loads(capsys.readouterr().out)
    assert (old["image"], new["image"]) == ("bullseye", "trixie")
    verdicts = {
        (one["image"], said["kernel"], said["engine"]): (said["verdict"], said["why"])
        for one in (old, new)
        for said in one["verdicts"]
    }
    for kernel in ("host", "6.1"):
        word, why = verdicts["trixie", kernel, "podman:clone3"]
        assert word == "does not run"
        assert "clone3 EPERM" in why[0]
        assert verdicts["trixie", kernel, "podman"][0] != "does not run"
        # glibc 2.31 does not know clone3.
        assert verdicts["bullseye", kernel, "podman:clone3"][0] != "does not run"
    word, why = verdicts["trixie", "5.15", "bare"]
    assert word == "skipped"
    assert "5.15=/path/to/bzImage" in why[0]
    (secret,) = (row for row in new["rows"] if row["name"] == "memfd_secret")
    words = {(one["kernel"], one["engine"]): one["word"] for one in secret["cells"]}
    assert words["6.1", "bare"] == "ENOSYS"
    assert words["6.1,secretmem.enable=1", "bare"] == "works"
