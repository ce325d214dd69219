"""Kubernetes manifests that put a GOROOT on every node of a cluster.

A DaemonSet's init container runs place.sh (beside this file) on each node, which is what
`lab bench distribute` rehearses between network namespaces. Build pods mount the version read-only
from the node. Nothing is privileged; root inside the init container, without any capability, owns
the node's folder.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.golang.goroot import kubernetes_schemas as schemas
from lab.golang.goroot.archive import PLACE_SCRIPT, Archive, pack
from lab.golang.goroot.home import Home
from lab.host.disk import write
from lab.model.errors import InputError

IMAGE = "docker.io/library/busybox:1.37"
NODE_FOLDER = "/var/lib/lab-goroots"
NAMESPACE = "lab-goroot"

_APP = "app.kubernetes.io/name"
_DROP = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_CONFINED = {**_DROP, "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}}

Manifest = dict[str, Any]


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


def manifests(archive: Archive, cluster: Cluster) -> Mapping[str, Sequence[Manifest]]:
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
            schemas.check(each, cluster.kubernetes)
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
                f"{address!r} is not an address", remedy="for example --node-dns 169.254.20.10"
            ) from error


def generate(home: Home, version: str, cluster: Cluster, target: Path) -> tuple[Path, ...]:
    """Write the archive, its sum and the manifests into a folder."""
    archive = pack(home, version, target)
    written = [archive.path, archive.path.with_name(f"{archive.path.name}.sha256")]
    for name, objects in manifests(archive, cluster).items():
        written.append(write(target, name, text(objects)))
    return tuple(written)


def _about(name: str, cluster: Cluster) -> Manifest:
    return {"name": name, "namespace": cluster.namespace, "labels": {_APP: "lab-goroot"}}


def _namespace(cluster: Cluster) -> Manifest:
    # The baseline of the Pod Security Standards allows no hostPath: only these pods may have one.
    labels = {_APP: "lab-goroot", "pod-security.kubernetes.io/enforce": "privileged"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": cluster.namespace, "labels": labels},
    }


def _account(cluster: Cluster) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _about("goroot", cluster),
        "automountServiceAccountToken": False,
    }


def _script(cluster: Cluster) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _about("goroot-place", cluster),
        "data": {"place.sh": PLACE_SCRIPT.read_text()},
    }


def _daemon_set(archive: Archive, cluster: Cluster) -> Manifest:
    environment = {
        "GOROOT_URL": cluster.url,
        "GOROOT_SHA256": archive.sha256,
        "GOROOT_NAME": archive.name,
        "GOROOT_ROOT": cluster.folder,
    }
    go = f"{cluster.folder}/versions/{archive.name}/bin/go"
    place: Manifest = {
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
    stay: Manifest = {
        "name": "stay",
        "image": cluster.image,
        "command": ["/bin/sh", "-c", "trap exit TERM; while :; do sleep 3600 & wait $!; done"],
        "securityContext": {**_CONFINED, "runAsNonRoot": True, "runAsUser": 65534},
        "resources": _resources("1m", "8Mi", "50m", "32Mi"),
        "readinessProbe": {"exec": {"command": ["test", "-x", go]}, "periodSeconds": 60},
        "volumeMounts": [{"name": "goroots", "mountPath": cluster.folder, "readOnly": True}],
    }
    volumes: list[Manifest] = [
        {"name": "goroots", "hostPath": {"path": cluster.folder, "type": "DirectoryOrCreate"}},
        {"name": "scripts", "configMap": {"name": "goroot-place", "defaultMode": 0o444}},
    ]
    pod: Manifest = {
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


def _build_pod(archive: Archive, cluster: Cluster) -> Manifest:
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
    build: Manifest = {
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


def _dns(cluster: Cluster) -> Manifest:
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


def _resources(cpu: str, memory: str, most_cpu: str, most_memory: str) -> Manifest:
    return {
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"cpu": most_cpu, "memory": most_memory},
    }


def text(manifests: Sequence[Mapping[str, Any]]) -> str:
    """The objects as one file of YAML, in this order."""
    return yaml.dump_all(
        [dict(one) for one in manifests], Dumper=_Dumper, sort_keys=False, explicit_start=True
    )


class _Dumper(yaml.SafeDumper):
    """Scripts as blocks, and what is named twice written twice: anchors are hard to read."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (PyYAML calls it so)
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)
