"""`lab goroot distribute`: a version for every node of a cluster, or rehearsed on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import arguments
from lab.cli.output import say

if TYPE_CHECKING:
    from lab.golang.goroot.home import Home


def options(actions: Any) -> None:
    """The arguments of this action."""
    action = actions.add_parser(
        "distribute", help="write the archive and the manifests that put a version on every node"
    )
    action.add_argument("version", nargs="?", metavar="VERSION", help="default: the current")
    action.add_argument("--output", type=Path, metavar="DIR", help="where the files go")
    arguments.earlier(action, "--to", dest="output", type=Path)
    action.add_argument("--url", metavar="URL", help="where nodes will find the archive")
    action.add_argument("--image", metavar="IMAGE", help="with sh, wget, tar and sha256sum")
    action.add_argument("--namespace", metavar="NAME", help="default: lab-goroot")
    action.add_argument("--node-folder", metavar="DIR", help="default: /var/lib/lab-goroots")
    action.add_argument(
        "--node-dns",
        nargs="?",
        const="169.254.20.10",
        metavar="ADDRESS",
        help="ask names of NodeLocal DNSCache, which listens at 169.254.20.10 by default",
    )
    action.add_argument(
        "--cluster-dns",
        metavar="ADDRESS",
        help="fallback DNS server",
    )
    action.add_argument("--kubernetes", metavar="VERSION", help="of the schemas; default: newest")
    action.add_argument(
        "--rehearse", action="store_true", help="do it between two network namespaces, timed"
    )
    action.add_argument(
        "--rounds", type=int, default=6, metavar="N", help="of the rehearsal; default: 6"
    )


def run(options: argparse.Namespace, home: Home) -> int:
    """Write the files, or rehearse."""
    from lab.model.errors import InputError

    version = options.version or home.chosen().version
    if options.rehearse:
        _rehearse(home, version, options.rounds)
        return 0
    if options.output is None or options.url is None:
        raise InputError(
            "distribute needs --output and --url",
            remedy="--output DIR --url https://.../goroot-VERSION.tar.gz, or --rehearse",
        )
    for path in _generate(options, home, version):
        say(f"{path}")
    say(f"put the archive at {options.url}, then: kubectl apply -f {options.output}/goroot.yaml")
    return 0


def _rehearse(home: Home, version: str, rounds: int) -> None:
    from lab.golang.bench import distribute, outcome
    from lab.model.errors import MissingPrerequisite

    found = distribute.measure(
        home, version, rounds=rounds, say=lambda line: say(line, on_error=True)
    )
    if not found.series:
        why = "; ".join(sorted(set(found.missing.values())))
        raise MissingPrerequisite(
            f"the rehearsal cannot be made here: {why}", remedy="as root; lab doctor lists the rest"
        )
    say(outcome.text(found))


def _generate(options: argparse.Namespace, home: Home, version: str) -> tuple[Path, ...]:
    from lab.golang.goroot import kubernetes

    cluster = kubernetes.Cluster(
        url=options.url,
        namespace=options.namespace or kubernetes.NAMESPACE,
        image=options.image or kubernetes.IMAGE,
        folder=options.node_folder or kubernetes.NODE_FOLDER,
        node_dns=options.node_dns,
        cluster_dns=options.cluster_dns,
        kubernetes=options.kubernetes,
    )
    return kubernetes.generate(home, version, cluster, options.output.absolute())
