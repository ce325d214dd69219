"""Kubernetes' AdmissionReview answered from verdicts. Pure but for the files of the verdicts.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.results.gate.verdicts import DIGEST, answer

API = "admission.k8s.io/v1"
_LISTS = ("containers", "initContainers", "ephemeralContainers")


class Malformed(ValueError):
    """The request is no AdmissionReview: it gets 400, which the API server counts as a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Decides by a folder of verdicts. Images outside ``repositories`` (prefixes; none: all are
    inside) are nobody's business. ``oldest``: how old a verdict may be.
    """

    verdicts: Path
    repositories: Sequence[str] = ()
    oldest: timedelta | None = None

    def review(self, request: object, now: datetime | None = None) -> dict[str, Any]:
        """The answer to an AdmissionReview. Raises Malformed."""
        asked = _request(request)
        why = list(self._objections(asked, now or datetime.now(UTC)))
        response: dict[str, Any] = {"uid": asked["uid"], "allowed": not why}
        if why:
            response["status"] = {"code": 403, "message": "; ".join(dict.fromkeys(why))[:2000]}
        return {"apiVersion": API, "kind": "AdmissionReview", "response": response}

    def _objections(self, request: Mapping[str, Any], now: datetime) -> Iterator[str]:
        if request.get("operation") == "DELETE":
            return
        specs = list(_pod_specs(request.get("object")))
        if not specs:
            yield "there is no pod in this object: the webhook's rules send what it cannot judge"
        for spec in specs:
            images = list(_images(spec))
            if not images:
                yield "a pod without containers"
            for image in images:
                yield from self._of_image(image, now)

    def _of_image(self, image: str, now: datetime) -> Iterator[str]:
        if self.repositories and not any(image.startswith(one) for one in self.repositories):
            return
        name, _, digest = image.rpartition("@")
        if not name or not DIGEST.fullmatch(digest):
            yield f"{image} has no digest: a gate judges image@sha256:..., a tag can be moved"
            return
        found = answer(self.verdicts, digest, self.oldest, now)
        if not found.passes:
            yield f"{name}: {found.why}"


def _request(review: object) -> Mapping[str, Any]:
    if not isinstance(review, dict) or review.get("kind") != "AdmissionReview":
        raise Malformed("not an AdmissionReview")
    if review.get("apiVersion") != API:
        raise Malformed(f"apiVersion {review.get('apiVersion')!r}; {API} is answered")
    request = review.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("uid"), str):
        raise Malformed("the review has no request with a uid")
    return request


def _pod_specs(found: object) -> Iterator[Mapping[str, Any]]:
    """The pods of an object: its own, or those of a workload's template."""
    if not isinstance(found, dict) or not isinstance(spec := found.get("spec"), dict):
        return
    if isinstance(spec.get("jobTemplate"), dict):
        yield from _pod_specs(spec["jobTemplate"])
    elif isinstance(spec.get("template"), dict):
        yield from _pod_specs(spec["template"])
    elif any(name in spec for name in _LISTS):
        yield spec


def _images(spec: Mapping[str, Any]) -> Iterator[str]:
    for name in _LISTS:
        for container in spec.get(name) or ():
            image = container.get("image") if isinstance(container, dict) else None
            yield image if isinstance(image, str) else "a container without an image"
    for volume in spec.get("volumes") or ():
        source = volume.get("image") if isinstance(volume, dict) else None
        if isinstance(source, dict):  # a volume out of an image, Kubernetes 1.31 and later
            yield str(source.get("reference") or "a volume without its image")
