"""A version for every node: what the manifests say, and what their script does on a node.

The script is run as pods run it, by sh, against a server of files. The schemas are Kubernetes' own.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import http.server
import os
import random
import shutil
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.golang.goroot import archive as archives
from lab.golang.goroot import home as homes
from lab.golang.goroot import kubernetes, kubernetes_schemas
from lab.golang.goroot.archive import PLACE_SCRIPT, Archive, pack
from lab.golang.goroot.home import Home
from lab.model.errors import InputError, SourceError

OLD, NEW = "1.22.10", "1.23.9"
CLUSTER = kubernetes.Cluster(url="https://mirror.internal/goroot.tar.gz")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "goroots")
    with home.locked("install"):
        for version in (OLD, NEW):
            for name in ("bin/go", "src/fmt/print.go", "VERSION"):
                path = home.tree(version) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"#!/bin/sh\necho go version go{version}\n")
                path.chmod(0o755 if name == "bin/go" else 0o644)
            assert not homes.difference(home, version)
    return home


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address that it is served at."""

    class Files(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def objects(archive: Archive, cluster: kubernetes.Cluster) -> dict[str, Any]:
    made = kubernetes.manifests(archive, cluster)
    return {each["kind"]: each for file in made.values() for each in file}


def on_node(daemon_set: dict[str, Any], url: str, node: Path) -> tuple[list[str], dict[str, str]]:
    """The init container's command and environment, with the node's folder somewhere else."""
    (place,) = daemon_set["spec"]["template"]["spec"]["initContainers"]
    environment = {one["name"]: one["value"] for one in place["env"]}
    environment |= {"GOROOT_URL": url, "GOROOT_ROOT": str(node), "PATH": "/usr/bin:/bin"}
    assert place["command"] == ["/bin/sh", "/scripts/place.sh"]
    return ["/bin/sh", str(PLACE_SCRIPT)], environment


def placed(daemon_set: dict[str, Any], url: str, node: Path) -> int:
    command, environment = on_node(daemon_set, url, node)
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def test_a_pack_is_the_same_each_time_and_holds_its_sums(home: Home, tmp_path: Path) -> None:
    first = pack(home, OLD, tmp_path / "one")
    os.utime(home.tree(OLD) / "VERSION")
    second = pack(home, OLD, tmp_path / "two")
    assert first.sha256 == second.sha256
    assert hashlib.sha256(first.path.read_bytes()).hexdigest() == first.sha256
    check = ["sha256sum", "--check", "--strict", f"{first.path.name}.sha256"]
    subprocess.run(check, cwd=tmp_path / "one", check=True, capture_output=True)
    with tarfile.open(first.path) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    check = ["sha256sum", "--check", "--strict", "../go.sha256"]
    subprocess.run(check, cwd=tmp_path / "out/go", check=True, capture_output=True)
    (home.tree(OLD) / "VERSION").write_text("other")
    with pytest.raises(SourceError, match="not what was installed"):
        pack(home, OLD, tmp_path / "three")


@pytest.mark.slow
def test_a_node_gets_it_whole_keeps_the_old_and_starts_the_new(
    home: Home, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = served
    node = tmp_path / "node"
    for version in (OLD, NEW):
        archive = pack(home, version, folder)
        daemon_set = objects(archive, CLUSTER)["DaemonSet"]
        address = f"{url}/{archive.path.name}"
        assert placed(daemon_set, address, node) == 0
        said = subprocess.run([node / "current/bin/go"], capture_output=True, text=True, check=True)
        assert said.stdout == f"go version go{version}\n"
        before = (node / "current").resolve().stat().st_ino
        assert placed(daemon_set, f"{url}/nothing", node) == 0  # it is there: nothing is pulled
        assert (node / "current").resolve().stat().st_ino == before
    assert sorted(path.name.partition("-")[0] for path in (node / "versions").iterdir()) == [
        OLD,
        NEW,
    ]
    assert sorted(path.name for path in node.iterdir()) == ["current", "versions"]


@pytest.mark.slow
def test_what_is_not_what_was_packed_never_takes_its_place(
    home: Home, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = served
    archive = pack(home, OLD, folder)
    daemon_set = objects(archive, CLUSTER)["DaemonSet"]
    node = tmp_path / "node"
    address = f"{url}/{archive.path.name}"
    assert placed(daemon_set, f"{url}/nothing", node) != 0
    whole = archive.path.read_bytes()
    archive.path.write_bytes(whole[:-20] + bytes(20))
    assert placed(daemon_set, address, node) != 0
    assert not (node / "versions").exists()
    # An archive whose own sum is right, of a tree that is not what its sums say.
    home.sums_at(OLD).write_text(home.sums_at(OLD).read_text().replace("VERSION", "VERSIOM"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "difference", lambda *_: None)
        wrong = pack(home, OLD, folder)
    assert placed(objects(wrong, CLUSTER)["DaemonSet"], address, node) != 0
    assert not (node / "versions").exists()
    archive.path.write_bytes(whole)
    assert placed(daemon_set, address, node) == 0
    assert not list(node.glob(".draft-*/go"))


@pytest.mark.slow
def test_killed_on_the_way_a_node_has_all_of_it_or_none(
    home: Home, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = served
    for number in range(300):
        (home.tree(OLD) / f"src/{number}.go").write_text("package src\n")
    home.sums_at(OLD).unlink()
    assert not homes.difference(home, OLD)
    archive = pack(home, OLD, folder)
    node, chooser = tmp_path / "node", random.Random(7)
    command, environment = on_node(
        objects(archive, CLUSTER)["DaemonSet"], f"{url}/{archive.path.name}", node
    )
    found = set()
    for _ in range(15):
        with subprocess.Popen(command, env=environment, start_new_session=True) as place:
            time.sleep(chooser.uniform(0, 0.2))
            os.killpg(place.pid, signal.SIGKILL)
        tree = node / "versions" / archive.name
        found.add(tree.exists())
        if tree.exists():
            names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
            source = home.tree(OLD)
            assert names == sorted(str(path.relative_to(source)) for path in source.rglob("*"))
            shutil.rmtree(node)
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    assert os.access(node / "current/bin/go", os.X_OK)
    assert sorted(path.name for path in node.iterdir()) == ["current", "versions"]


@pytest.mark.slow
def test_every_known_version_of_kubernetes_takes_the_manifests(home: Home, tmp_path: Path) -> None:
    archive = pack(home, OLD, tmp_path)
    assert len(kubernetes_schemas.versions()) >= 5
    for version in (kubernetes_schemas.versions()[0], kubernetes_schemas.versions()[-1]):
        for dns in (None, "169.254.20.10"):
            cluster = kubernetes.Cluster(url=CLUSTER.url, node_dns=dns, kubernetes=version)
            assert kubernetes.manifests(archive, cluster)


@pytest.mark.slow
def test_what_is_written_is_what_was_checked(home: Home, tmp_path: Path) -> None:
    written = kubernetes.generate(home, OLD, CLUSTER, tmp_path / "out")
    (manifests, build) = [path for path in written if path.suffix == ".yaml"]
    read = [*yaml.safe_load_all(manifests.read_text()), yaml.safe_load(build.read_text())]
    archive = Archive(
        path=written[0], version=OLD, sha256=hashlib.sha256(written[0].read_bytes()).hexdigest()
    )
    assert {each["kind"]: each for each in read} == objects(archive, CLUSTER)
    (script,) = [each["data"]["place.sh"] for each in read if each["kind"] == "ConfigMap"]
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_pods_have_no_more_rights_than_they_need(home: Home, tmp_path: Path) -> None:
    found = objects(pack(home, OLD, tmp_path), CLUSTER)
    place = found["DaemonSet"]["spec"]["template"]["spec"]
    build = found["Pod"]["spec"]
    for pod in (place, build):
        assert pod["automountServiceAccountToken"] is False
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            rights = container["securityContext"]
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert rights["readOnlyRootFilesystem"] is True
            assert "privileged" not in rights
            assert container["resources"].keys() == {"requests", "limits"}
    for container in (*place["containers"], *build["containers"]):
        assert container["securityContext"]["runAsNonRoot"] is True
        (mount,) = [one for one in container["volumeMounts"] if one["name"].startswith("goroot")]
        assert mount["readOnly"] is True
    assert build["volumes"][0]["hostPath"]["type"] == "Directory"


@pytest.mark.slow
def test_names_are_asked_of_the_nodes_own_cache(home: Home, tmp_path: Path) -> None:
    archive = pack(home, OLD, tmp_path)
    cluster = kubernetes.Cluster(
        url=CLUSTER.url, node_dns="169.254.20.10", cluster_dns="10.96.0.10"
    )
    pod = objects(archive, cluster)["Pod"]["spec"]
    assert pod["dnsPolicy"] == "None"
    assert pod["dnsConfig"]["nameservers"] == ["169.254.20.10", "10.96.0.10"]
    assert objects(archive, CLUSTER)["Pod"]["spec"]["dnsPolicy"] == "ClusterFirst"


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = manifest
        for part in way:
            place = place[int(part)] if part.isdecimal() else place[part]
        place[last] = value

    return change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (_set("spec.template.spec.initContainers.0.image", 7), "7 is not of type"),
        (_set("spec.template.spec.hostpath", {}), "hostpath"),
        (_set("spec.selector", "all"), "'all' is not of type"),
        (_set("spec.updateStrategy.rollingUpdate.maxUnavailable", []), "maxUnavailable"),
        (_set("kind", "DemonSet"), "has no apps/v1 DemonSet"),
        (_set("apiVersion", "apps/v9"), "has no apps/v9 DaemonSet"),
        (lambda manifest: manifest.pop("kind"), "without 'kind'"),
        (lambda manifest: manifest["spec"].pop("template"), "'template' is a required property"),
    ],
)
def test_a_broken_manifest_is_refused(
    wrong: Callable[[dict[str, Any]], object], says: str, home: Home, tmp_path: Path
) -> None:
    good = objects(pack(home, OLD, tmp_path), CLUSTER)["DaemonSet"]
    broken = copy.deepcopy(good)
    wrong(broken)
    kubernetes_schemas.check(good)
    with pytest.raises(InputError, match=says):
        kubernetes_schemas.check(broken)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://mirror/go"},
        {"url": "https://mirror/$(id)"},
        {"folder": "/"},
        {"folder": "/var/../etc/x"},
        {"kubernetes": "0.9"},
        {"namespace": "Not A Name"},
        {"image": "two words"},
        {"node_dns": "169.254.20"},
    ],
)
def test_options_that_cannot_be_are_refused(
    options: dict[str, str], home: Home, tmp_path: Path
) -> None:
    archive = pack(home, OLD, tmp_path)
    with pytest.raises(InputError):
        kubernetes.manifests(archive, kubernetes.Cluster(**{"url": CLUSTER.url} | options))
