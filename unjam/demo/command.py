"""``unjam demo``: get sandboxes into every kind of trouble, recover them, and take that back.

Everything is real: the repositories, the processes and their end, the Prefect flow runs, the output.
"""

import argparse

from unjam.demo.show import Show
from unjam.domain.catalogue.references import resolved
from unjam.domain.catalogue.scenarios import SCENARIOS


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if everything that is claimed was seen to hold."""
    wanted = arguments.scenario or [row.name for row in SCENARIOS.values() if row.demo]
    with Show.set(arguments.keep) as stage:
        for scenario in wanted:
            stage.enter(scenario)
            resolved(f"unjam.demo.{SCENARIOS[scenario].demo}")(stage, scenario)
        return stage.verdict()
