"""``unjam postflight``: what must hold after a run."""

import argparse

from unjam.cli.preflight import print_readiness
from unjam.cli.say import as_json
from unjam.cli.trust import opened, opened_to_look
from unjam.domain.readiness.checks import readiness_document
from unjam.engine.telling.survey import check_after


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when everything is done and nothing lies about, 1 when not or it cannot be told."""
    orchestration = opened_to_look(arguments) if arguments.no_verify else opened(arguments)
    snapshot, checks = check_after(orchestration, verify=not arguments.no_verify)
    document = readiness_document("postflight", snapshot, checks)
    as_json(document) if arguments.json else print_readiness(document, "done")
    return 0 if document["ready"] else 1
