"""Which flow runs are carried out on this machine: Prefect names one in its process's environment."""

import os

import psutil

_VARIABLE = "PREFECT__FLOW_RUN_ID"


def may_be_carried_out(flow_run: str) -> bool:
    """Tell whether a process here carries out a flow run, or may do so unseen.

    What a flow run started inherits its environment, so that the process has to be Prefect's, too.
    """
    return any(_may_carry_out(one, flow_run) for one in psutil.process_iter())


def _may_carry_out(process: psutil.Process, flow_run: str) -> bool:
    try:
        if process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        is_prefect = any("prefect" in word for word in process.cmdline())
        return is_prefect and process.environ().get(_VARIABLE) == flow_run
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
