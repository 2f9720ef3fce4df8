"""One recovery of everything, through the engine alone: hundreds of these fit into a test.

Its steps and their order are those of the flow; only Prefect is missing.
"""

import sys
from pathlib import Path

from unjam.domain.finding import Scenario
from unjam.engine.acts import carry_out
from unjam.engine.conclude import conclude
from unjam.engine.orchestration import open_orchestration
from unjam.engine.prepare import look_again, prepare
from unjam.engine.recovery import Permission
from unjam.engine.session import Terms, adopt, session

SCENARIOS = (Scenario.ORCHESTRATOR_CRASH,)


def recover(repo: Path) -> str:
    """Recover with everything approved; returns the word."""
    orchestration = open_orchestration(repo)
    with session(orchestration, Terms("orchestrator_crash"), Permission(everything=True)) as run:
        prepared = prepare(run.look(), run.policy, None, SCENARIOS, run.killed)
        adopt(run, prepared.plan)
        for step in prepared.plan.but_restart():
            carry_out(run, step)
        after = look_again(run, SCENARIOS)
        for step in prepared.plan.restarts():
            carry_out(run, step)
        word: str = conclude(run, prepared, after)["word"]
    return word


if __name__ == "__main__":
    sys.stdout.write(recover(Path(sys.argv[1])) + "\n")
