"""One `lab validate`: its targets opened, every column asked once, and each target judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.images import labelled
from lab.images.opened import Opened
from lab.model.engine_name import runs_containers
from lab.model.errors import InputError
from lab.validate import assertions, policy, policy_file, validation
from lab.validate.assertion_check import check_assertions
from lab.validate.bootstraps import check_bootstraps
from lab.validate.matrix import Validation
from lab.validate.probes import seccomp_profile
from lab.validate.probing import probe
from lab.validate.results import HOST, Asked
from lab.validate.targets import Targets, targets

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be validated, where, and what is demanded of it. ``engines`` have an address or
    nothing; without kernels or engines the scenarios among the targets say which.
    """

    targets: tuple[str, ...]
    kernels: tuple[str, ...] = ()
    engines: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[Path, ...] = ()
    private: bool = False
    policy: Path | None = None
    assertions: tuple[Path, ...] = ()
    check_reproducible: bool = False
    one_image: bool = False  # more than one is refused before anything is probed


class Session:
    """The demands are read when it is made; ``run`` does the rest."""

    def __init__(self, request: Request, *, say: Say) -> None:
        self._request, self._say = request, say
        self._judge = None
        if request.policy is not None:
            self._judge = policy.Judge(policy_file.load(request.policy))
        self._tests = [assertions.load(path) for path in request.assertions]
        self._images: dict[str, Opened] = {}

    def run(self) -> list[Validation]:
        """A validation for each target."""
        request, say = self._request, self._say
        for path in request.profiles:
            seccomp_profile.read(path)  # a broken file is refused before anything is started
        addresses = {name: address for name, address in request.engines.items() if address}
        named = targets(request.targets, say=say, endpoints=addresses)
        if request.one_image and len(named.images) != 1:
            raise InputError("--labelled writes one image", remedy="name one image")
        asked = columns(request, named)
        self._images = {one.name: one.image for one in named.images if one.image is not None}
        probed = probe(tuple(self._images.values()), asked, say=say)
        found = [
            validation.validate(target, asked=asked, probed=probed, judge=self._judge)
            for target in named.images
        ]
        found = check_assertions(found, self._tests, self._images, asked, say=say)
        demanded = self._judge is not None and self._judge.asks_for_bootstraps
        if request.check_reproducible or demanded:
            found = check_bootstraps(found, self._images, self._judge, say=say)
        return found

    def write_labelled(self, found: Validation, path: Path) -> None:
        """Write the image with its labels, and say how it is loaded."""
        if found.image not in self._images:
            raise InputError(
                f"{found.image} could not be read: there is nothing to label",
                remedy="see its findings: what is named there comes first",
            )
        ref = labelled.write(self._images[found.image], found.labels, path)
        self._say(
            f"{path} is {ref} with {len(found.labels)} labels: docker load -i, podman load -i"
        )


def columns(request: Request, named: Targets) -> Asked:
    """Kernels and engines: those of the request, else the scenarios', else the host alone."""
    if not all(map(runs_containers, request.engines)):
        raise InputError("the simulated engine runs no containers", remedy="docker or podman")
    scenarios = tuple(name for name in dict.fromkeys(named.engines) if runs_containers(name))
    return Asked(
        kernels=tuple(dict.fromkeys(request.kernels or named.kernels or (HOST,))),
        engines=tuple(request.engines) or scenarios,
        profiles=request.profiles,
        private=request.private,
        endpoints={name: address for name, address in request.engines.items() if address},
    )
