"""`lab rollout`: what was built is let on only where the gate has passed it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.cli import arguments
from lab.cli.output import print_text, say
from lab.model.errors import GateFailed, InputError

TARGETS = ("admission", "argocd", "flux", "git")


def options(verb: argparse.ArgumentParser) -> None:
    """Its arguments."""
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="exit with 0 where the gate passed all of these")
    check.add_argument("subject", nargs="+", metavar="DIGEST|COMMIT")
    serve = actions.add_parser("serve", help="answer Kubernetes' admission reviews, over TLS")
    for one in (check, serve):
        one.add_argument("--verdicts", type=Path, required=True, metavar="DIR")
        one.add_argument(
            "--max-age", type=arguments.duration, metavar="TIME", help="a verdict's; default: any"
        )
    serve.add_argument("--cert", type=Path, required=True, metavar="FILE", help="PEM")
    serve.add_argument("--key", type=Path, required=True, metavar="FILE", help="PEM")
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    serve.add_argument("--port", type=int, default=8443, metavar="N", help="default: 8443; 0: any")
    made = actions.add_parser("manifests", help="print what calls the gate")
    made.add_argument("target", choices=TARGETS)
    made.add_argument("subject", nargs="*", metavar="DIGEST|COMMIT", help="of argocd and flux")
    made.add_argument("--image", metavar="REF", help="an image with the lab in it")
    made.add_argument("--ca", type=Path, metavar="FILE", help="PEM that signed the certificate")
    made.add_argument("--verdicts", type=Path, metavar="DIR", help="of git")
    made.add_argument("--branch", default="main", help="of git; default: main")
    for one in (serve, made):
        one.add_argument(
            "--repository",
            action="append",
            default=[],
            metavar="PREFIX",
            help="judge only images whose names begin so; repeatable; default: all",
        )


def run(options: argparse.Namespace) -> int:
    """Do what is asked for."""
    return {"check": _check, "serve": _serve, "manifests": _manifests}[options.action](options)


def _oldest(options: argparse.Namespace) -> timedelta | None:
    return None if options.max_age is None else timedelta(seconds=options.max_age)


def _check(options: argparse.Namespace) -> int:
    from lab.results.gate.verdicts import answer, subject

    asked = [subject(one) for one in options.subject]
    now, oldest = datetime.now(UTC), _oldest(options)
    found = [answer(options.verdicts, one, oldest, now) for one in asked]
    for one in found:
        say(one.why, on_error=not one.passes)
    held = [one for one in found if not one.passes]
    if held:
        raise GateFailed(
            f"{len(held)} of {len(found)} may not go on",
            remedy="lab gate ... --verdicts DIR --image REF@DIGEST judges it",
        )
    return 0


def _serve(options: argparse.Namespace) -> int:
    from lab.report.rollout.admission import Judge
    from lab.report.rollout.webhook import Webhook

    if not options.verdicts.is_dir():
        raise InputError(
            f"{options.verdicts} is no folder: every image would be refused",
            remedy="make it, and let lab gate --verdicts write into it",
        )
    judge = Judge(
        verdicts=options.verdicts, repositories=options.repository, oldest=_oldest(options)
    )
    with Webhook(
        judge,
        address=(options.host, options.port),
        pair=(options.cert, options.key),
        say=lambda text: say(text, on_error=True),
    ) as server:
        say(f"answering at https://{options.host}:{server.server_port}/ (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("ended")
    return 0


def _manifests(options: argparse.Namespace) -> int:
    from lab.report.rollout import manifests
    from lab.results.gate.verdicts import subject

    if options.target == "git":
        print_text(manifests.git(_given(options, "verdicts"), options.branch))
        return 0
    settings = manifests.Settings(
        image=str(_given(options, "image")),
        ca=Path(_given(options, "ca")).read_bytes() if options.target == "admission" else b"",
        repositories=options.repository,
        subjects=[subject(one) for one in options.subject],
    )
    if options.target == "admission":
        print_text(manifests.text(manifests.admission(settings)))
    elif not settings.subjects:
        raise InputError(
            f"{options.target} checks something", remedy="name images by digest, or a commit"
        )
    else:
        print_text(manifests.text(manifests.presync(settings, options.target)))
    return 0


def _given(options: argparse.Namespace, name: str) -> Any:
    found = getattr(options, name)
    if found is None:
        raise InputError(f"{options.target} needs --{name}", remedy=f"add --{name}")
    if name == "ca" and not found.is_file():
        raise InputError(f"{found} is no file", remedy="name the CA's PEM")
    return found
