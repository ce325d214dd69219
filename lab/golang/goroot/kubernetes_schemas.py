"""Manifests checked offline against Kubernetes' published schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kubernetes_validate

from lab.model.errors import InputError

_REMEDY = "lab goroot distribute --help lists what the manifests take"


def versions() -> tuple[str, ...]:
    """The versions of Kubernetes whose schemas are here, such as ``1.31``, oldest first."""
    found = [".".join(each.split(".")[:2]) for each in kubernetes_validate.utils.all_versions()]
    return tuple(dict.fromkeys(found))


def check(manifest: Mapping[str, Any], version: str | None = None) -> None:
    """Check an object against the schema of its kind; a field that it does not know is a mistake.

    Raises InputError with the place in the object where it is not valid.
    """
    known = versions()
    if version is not None and version not in known:
        raise InputError(
            f"there are no schemas of Kubernetes {version} here",
            remedy=f"one of {', '.join(known)}",
        )
    asked = version or known[-1]
    kind = f"{manifest.get('apiVersion', 'no apiVersion')} {manifest.get('kind', 'no kind')}"
    try:
        kubernetes_validate.validate(dict(manifest), asked, strict=True)
    except kubernetes_validate.ValidationError as error:
        place = ".".join(str(part) for part in error.path) or "the object"
        raise InputError(
            f"{kind}, {place}: {error.message} (schema of Kubernetes {asked})", remedy=_REMEDY
        ) from error
    except kubernetes_validate.SchemaNotFoundError as error:
        raise InputError(f"Kubernetes {asked} has no {kind}", remedy=_REMEDY) from error
    except KeyError as error:
        raise InputError(f"a manifest without {error}", remedy=_REMEDY) from error
