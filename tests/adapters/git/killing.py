"""A move that is killed in the middle, and what is tidied before it is made again."""

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context

import psutil

from tests.adapters.git.scene import Scene
from tests.world.shell import wait_until


def kill_at(instant: float, move: Callable[[], object]) -> bool:
    """Run it in another process and kill that with everything below it; whether it was alive."""
    process = get_context("fork").Process(target=move)
    process.start()
    assert process.pid is not None
    process.join(instant)
    alive = process.is_alive()
    if alive:
        os.kill(process.pid, signal.SIGSTOP)  # so that it starts nothing more
        below = psutil.Process(process.pid).children(recursive=True)
        for one in (*below, psutil.Process(process.pid)):
            one.kill()
        wait_until(lambda: all(map(is_dead, below)), "the end of what was killed")
    process.join()
    return alive


def is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def clear_locks(scene: Scene) -> None:
    """What another procedure does once it has proven that their owner is dead."""
    for lock in scene.common.rglob("*.lock"):
        lock.unlink()
