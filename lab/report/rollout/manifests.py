"""What calls the gate: Kubernetes' admission, a step before Argo CD's or Flux's sync, and git."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "lab-gate"
_PORT = 8443
_RULES = (
    ("", ("pods",)),
    ("apps", ("deployments", "statefulsets", "daemonsets", "replicasets")),
    ("batch", ("jobs", "cronjobs")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``image`` has the lab in it, ``claim`` is the PersistentVolumeClaim with the verdicts,
    ``secret`` holds tls.crt and tls.key, ``ca`` is the PEM that signed them. ``subjects`` are what
    a step before a rollout checks.
    """

    image: str
    namespace: str = NAME
    claim: str = "lab-verdicts"
    secret: str = f"{NAME}-tls"
    ca: bytes = b""
    repositories: Sequence[str] = ()
    subjects: Sequence[str] = ()


def admission(settings: Settings) -> list[dict[str, Any]]:
    """The webhook as a service, and Kubernetes' request to ask it: of all but its own namespace and
    the cluster's, for else nothing could start that lets the webhook start.
    """
    labels = {"app.kubernetes.io/name": NAME}
    arguments = ["rollout", "serve", "--host", "0.0.0.0", "--port", str(_PORT)]  # noqa: S104 (in a pod)
    arguments += ["--verdicts", "/verdicts", "--cert", "/tls/tls.crt", "--key", "/tls/tls.key"]
    arguments += [word for one in settings.repositories for word in ("--repository", one)]
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": NAME, "namespace": settings.namespace, "labels": labels},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": _pod(settings, arguments, serves=True),
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME, "namespace": settings.namespace, "labels": labels},
            "spec": {"selector": labels, "ports": [{"port": 443, "targetPort": _PORT}]},
        },
        _configuration(settings, labels),
    ]


def _configuration(settings: Settings, labels: Mapping[str, str]) -> dict[str, Any]:
    free = [settings.namespace, "kube-system"]
    excluded = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": free}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME, "labels": dict(labels)},
        "webhooks": [
            {
                "name": f"{NAME}.imagelab.example.org",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "timeoutSeconds": 5,
                "matchPolicy": "Equivalent",
                "namespaceSelector": {"matchExpressions": [excluded]},
                "clientConfig": {
                    "service": {"name": NAME, "namespace": settings.namespace, "path": "/"},
                    "caBundle": base64.b64encode(settings.ca).decode(),
                },
                "rules": [
                    {
                        "apiGroups": [group],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [*resources, *(["pods/ephemeralcontainers"] * (not group))],
                        "scope": "Namespaced",
                    }
                    for group, resources in _RULES
                ],
            }
        ],
    }


def _pod(settings: Settings, arguments: list[str], *, serves: bool = False) -> dict[str, Any]:
    mounts = [{"name": "verdicts", "mountPath": "/verdicts", "readOnly": True}]
    volumes: list[dict[str, Any]] = [
        {
            "name": "verdicts",
            "persistentVolumeClaim": {"claimName": settings.claim, "readOnly": True},
        }
    ]
    container: dict[str, Any] = {
        "name": NAME,
        "image": settings.image,
        "command": ["lab"],
        "args": arguments,
        "volumeMounts": mounts,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {
            "requests": {"cpu": "100m", "memory": "64Mi"},
            "limits": {"memory": "256Mi"},
        },
    }
    if serves:
        mounts.append({"name": "tls", "mountPath": "/tls", "readOnly": True})
        volumes.append({"name": "tls", "secret": {"secretName": settings.secret}})
        probe = {"path": "/readyz", "port": _PORT, "scheme": "HTTPS"}
        container["ports"] = [{"containerPort": _PORT}]
        container["readinessProbe"] = {"httpGet": probe}
        container["livenessProbe"] = {"httpGet": probe | {"path": "/healthz"}}
    return {
        "containers": [container],
        "volumes": volumes,
        "automountServiceAccountToken": False,
    }


def presync(settings: Settings, tool: str) -> list[dict[str, Any]]:
    """A job that fails where the gate has not passed: before Argo CD's sync, or (Flux) in a
    Kustomization of its own that the application's `dependsOn` names, with `wait: true`.
    """
    metadata: dict[str, Any] = {"name": f"{NAME}-check", "namespace": settings.namespace}
    if tool == "argocd":
        metadata["annotations"] = {
            "argocd.argoproj.io/hook": "PreSync",
            "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
        }
    else:
        # A job's template cannot be changed: Flux makes it anew.
        metadata["annotations"] = {"kustomize.toolkit.fluxcd.io/force": "enabled"}
    arguments = ["rollout", "check", "--verdicts", "/verdicts", *settings.subjects]
    pod = _pod(settings, arguments) | {"restartPolicy": "Never"}
    return [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": {"backoffLimit": 0, "template": {"spec": pod}},
        }
    ]


def text(objects: Sequence[Mapping[str, Any]]) -> str:
    """For kubectl apply -f: one list, as JSON, which is YAML."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}, indent=2) + "\n"


def git(verdicts: Path, branch: str) -> str:
    """A pre-receive hook: a push to ``branch`` waits for a verdict on its last commit."""
    return f"""\
#!/bin/sh
# pre-receive: {branch} takes only commits that `lab gate --verdicts` has passed.
while read -r old new ref; do
    [ "$ref" = {shlex.quote(f"refs/heads/{branch}")} ] || continue
    case $new in *[!0]*) ;; *) continue ;; esac  # a branch that is deleted has no commit
    lab rollout check --verdicts {shlex.quote(str(verdicts))} "$new" || exit 1
done
"""
