"""``unjam demo``: get sandboxes into every kind of trouble, recover them, and take that back.

Everything is real: the repositories, the processes and their end, the Prefect flow runs, the output.
"""

import argparse

from unjam.demo import crash
from unjam.demo.episodes import EPISODES, play
from unjam.demo.show import Show
from unjam.domain.world.finding import Scenario


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if everything that is claimed was seen to hold."""
    wanted = arguments.scenario or (Scenario.ORCHESTRATOR_CRASH, *EPISODES)
    with Show.set(arguments.keep) as stage:
        for scenario in wanted:
            stage.enter(scenario)
            if scenario is Scenario.ORCHESTRATOR_CRASH:
                crash.play(stage)
            else:
                play(stage, scenario)
        return stage.verdict()
