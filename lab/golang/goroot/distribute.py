"""A GOROOT for every node of a Kubernetes cluster: the archive, its sums, and the manifests.

A DaemonSet's init container runs place.sh (beside this file) on each node, which is what
`lab bench distribute` rehearses between network namespaces. Build pods mount the version read-only
from the node. Nothing is privileged; root inside the init container, without any capability, owns
the node's folder.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.golang.goroot import kubernetes
from lab.golang.goroot.home import Home, difference
from lab.host.disk import disk, write
from lab.host.process import Argument, run
from lab.model.errors import InputError, SourceError

SCRIPT = Path(__file__).with_name("place.sh")
IMAGE = "docker.io/library/busybox:1.37"
NODE_FOLDER = "/var/lib/lab-goroots"
NAMESPACE = "lab-goroot"

_APP = "app.kubernetes.io/name"
_DROP = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_CONFINED = {**_DROP, "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}}

CacheInputs = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What of a cluster the manifests name. ``node_dns`` None leaves names to the cluster."""

    url: str
    namespace: str = NAMESPACE
    image: str = IMAGE
    folder: str = NODE_FOLDER
    node_dns: str | None = None
    cluster_dns: str | None = None
    domain: str = "cluster.local"
    kubernetes: str | None = None  # the version of the schemas; None: the newest known


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A packed version and the sum that nodes compare it with."""

    path: Path
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """The node's folder of it: another content never takes its place."""
        return f"{self.version}-{self.sha256[:12]}"


def pack(home: Home, version: str, target: Path) -> Archive:
    """Pack an installed version with its sums, the same bytes each time.

    Raises SourceError where a file is not what was installed.
    """
    tree = home.installed(version)
    if differs := difference(home, version):
        raise SourceError(
            f"Go {version} is not what was installed: {differs}",
            remedy=f"lab goroot remove {version}, and install it again",
        )
    with disk(target, "choose another --to folder"):
        target.mkdir(parents=True, exist_ok=True)
        archive = target / f"goroot-{version}.tar.gz"
        draft = archive.with_name(f".{archive.name}")
        plain = ["--sort=name", "--mtime=@0", "--format=gnu", "--numeric-owner"]
        plain += ["--owner=0", "--group=0"]
        plain += ["--use-compress-program=gzip -n", f"--transform=flags=rh;s,^{version},go,"]
        sums = home.sums_at(version)
        where: list[Argument] = ["-C", tree.parent, tree.name, "-C", sums.parent, sums.name]
        try:
            run(["tar", "--create", "--file", draft, *plain, *where])
            draft.replace(archive)
        finally:
            draft.unlink(missing_ok=True)
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        write(target, f"{archive.name}.sha256", f"{digest}  {archive.name}\n")
    return Archive(path=archive, version=version, sha256=digest)


def manifests(archive: Archive, cluster: Cluster) -> Mapping[str, Sequence[CacheInputs]]:
    """The objects by the file that they belong into, each valid by Kubernetes' own schemas.

    Raises InputError where an option makes something that these schemas refuse.
    """
    _refuse(cluster)
    made = {
        "goroot.yaml": [
            _namespace(cluster),
            _account(cluster),
            _script(cluster),
            _daemon_set(archive, cluster),
        ],
        "build-pod.yaml": [_build_pod(archive, cluster)],
    }
    for objects in made.values():
        for each in objects:
            kubernetes.check(each, cluster.kubernetes)
    return made


def _refuse(cluster: Cluster) -> None:
    """Raises InputError for what the schemas take although it cannot be."""
    forms = {
        "url": (r"https?://[^\s\"'`$\\]+", "--url https://..."),
        "folder": (r"(/(?!\.)[A-Za-z0-9_.-]+){2,}", f"--node-folder {NODE_FOLDER}"),
        "namespace": (r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", f"--namespace {NAMESPACE}"),
        "image": (r"[\w./:@-]+", f"--image {IMAGE}"),
    }
    for name, (form, example) in forms.items():
        if not re.fullmatch(form, value := getattr(cluster, name), re.ASCII):
            raise InputError(f"{value!r} cannot be a {name} here", remedy=f"for example {example}")
    for address in (cluster.node_dns, cluster.cluster_dns):
        try:
            if address is not None:
                ipaddress.ip_address(address)
        except ValueError as error:
            raise InputError(
                f"{address!r} is no address", remedy="for example --node-dns 169.254.20.10"
            ) from error


def generate(home: Home, version: str, cluster: Cluster, target: Path) -> tuple[Path, ...]:
    """Write the archive, its sum and the manifests into a folder."""
    archive = pack(home, version, target)
    written = [archive.path, archive.path.with_name(f"{archive.path.name}.sha256")]
    for name, objects in manifests(archive, cluster).items():
        written.append(write(target, name, kubernetes.text(objects)))
    return tuple(written)


def _about(name: str, cluster: Cluster) -> CacheInputs:
    return {"name": name, "namespace": cluster.namespace, "labels": {_APP: "lab-goroot"}}


def _namespace(cluster: Cluster) -> CacheInputs:
    # The baseline of the Pod Security Standards allows no hostPath: only these pods may have one.
    labels = {_APP: "lab-goroot", "pod-security.kubernetes.io/enforce": "privileged"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": cluster.namespace, "labels": labels},
    }


def _account(cluster: Cluster) -> CacheInputs:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _about("goroot", cluster),
        "automountServiceAccountToken": False,
    }


def _script(cluster: Cluster) -> CacheInputs:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _about("goroot-place", cluster),
        "data": {"place.sh": SCRIPT.read_text()},
    }


def _daemon_set(archive: Archive, cluster: Cluster) -> CacheInputs:
    environment = {
        "GOROOT_URL": cluster.url,
        "GOROOT_SHA256": archive.sha256,
        "GOROOT_NAME": archive.name,
        "GOROOT_ROOT": cluster.folder,
    }
    go = f"{cluster.folder}/versions/{archive.name}/bin/go"
    place: CacheInputs = {
        "name": "place",
        "image": cluster.image,
        "command": ["/bin/sh", "/scripts/place.sh"],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "securityContext": {**_CONFINED, "runAsUser": 0},
        "resources": _resources("100m", "64Mi", "1", "256Mi"),
        "volumeMounts": [
            {"name": "goroots", "mountPath": cluster.folder},
            {"name": "scripts", "mountPath": "/scripts", "readOnly": True},
        ],
    }
    stay: CacheInputs = {
        "name": "stay",
        "image": cluster.image,
        "command": ["/bin/sh", "-c", "trap exit TERM; while :; do sleep 3600 & wait $!; done"],
        "securityContext": {**_CONFINED, "runAsNonRoot": True, "runAsUser": 65534},
        "resources": _resources("1m", "8Mi", "50m", "32Mi"),
        "readinessProbe": {"exec": {"command": ["test", "-x", go]}, "periodSeconds": 60},
        "volumeMounts": [{"name": "goroots", "mountPath": cluster.folder, "readOnly": True}],
    }
    volumes: list[CacheInputs] = [
        {"name": "goroots", "hostPath": {"path": cluster.folder, "type": "DirectoryOrCreate"}},
        {"name": "scripts", "configMap": {"name": "goroot-place", "defaultMode": 0o444}},
    ]
    pod: CacheInputs = {
        "serviceAccountName": "goroot",
        "automountServiceAccountToken": False,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        **_dns(cluster),
        "initContainers": [place],
        "containers": [stay],
        "volumes": volumes,
        "terminationGracePeriodSeconds": 5,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": _about("goroot", cluster),
        "spec": {
            "selector": {"matchLabels": {_APP: "lab-goroot"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%"}},
            "template": {"metadata": {"labels": {_APP: "lab-goroot"}}, "spec": pod},
        },
    }


def _build_pod(archive: Archive, cluster: Cluster) -> CacheInputs:
    """A build that uses the node's toolchain: waits for nothing, writes nothing there."""
    # Type Directory: on a node without this version the pod waits instead of building without it.
    source = f"{cluster.folder}/versions/{archive.name}"
    environment = {
        "PATH": "/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "GOTOOLCHAIN": "local",
        "GOCACHE": "/work/cache",
        "GOPATH": "/work/go",
        "HOME": "/work",
    }
    build: CacheInputs = {
        "name": "build",
        "image": cluster.image,
        "command": ["go", "version"],
        "workingDir": "/work",
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "securityContext": {**_CONFINED, "runAsNonRoot": True, "runAsUser": 65534},
        "resources": _resources("500m", "512Mi", "2", "2Gi"),
        "volumeMounts": [
            {"name": "goroot", "mountPath": "/usr/local/go", "readOnly": True},
            {"name": "work", "mountPath": "/work"},
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**_about("go-build", cluster), "labels": {_APP: "go-build"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            **_dns(cluster),
            "containers": [build],
            "volumes": [
                {"name": "goroot", "hostPath": {"path": source, "type": "Directory"}},
                {"name": "work", "emptyDir": {"sizeLimit": "4Gi"}},
            ],
        },
    }


def _dns(cluster: Cluster) -> CacheInputs:
    """ndots 1: a name with a dot is asked for as it is, and not first below each of the cluster's
    domains. With ``node_dns`` names are asked of the node's own cache.
    """
    options = [{"name": "ndots", "value": "1"}, {"name": "timeout", "value": "2"}]
    if cluster.node_dns is None:
        return {"dnsPolicy": "ClusterFirst", "dnsConfig": {"options": options}}
    below = [f"{cluster.namespace}.svc.", "svc.", ""]
    return {
        "dnsPolicy": "None",
        "dnsConfig": {
            # The cluster's own server behind it: a node whose cache is down still builds.
            "nameservers": [one for one in (cluster.node_dns, cluster.cluster_dns) if one],
            "searches": [f"{prefix}{cluster.domain}" for prefix in below],
            "options": options,
        },
    }


def _resources(cpu: str, memory: str, most_cpu: str, most_memory: str) -> CacheInputs:
    return {
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"cpu": most_cpu, "memory": most_memory},
    }
