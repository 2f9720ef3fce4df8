"""Agents that hang, and agents that only look as if they did: real processes in real worktrees."""

import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.world.processes import end_processes_below
from tests.world.shell import wait_until

# The lines tell when they are where they want to be: a file that its own test looks for.
_READY = "import os, pathlib, sys, threading, time, subprocess, socket, signal\nREADY = pathlib.Path(sys.argv[1])\n"

HUNG = {
    "waiting for input": ("prompt on a terminal", "read of a pipe", "tool at a prompt"),
    "busy loop": ("busy loop", "busy shell", "agent that spins below a shell"),
    "waiting on the network": (
        "silent peer",
        "silent peer of an event loop",
        "tool with a silent peer",
    ),
    "deadlocked": ("two locks",),
    "stopped": ("stopped by SIGSTOP",),
}
SILENT = (
    "compiler that says nothing",
    "sleep with a busy child",
    "shell that waits for a busy child",
    "writer into another directory",
    "filler of memory",
    "stream of a slow model",
    "model on this machine that thinks",
    "short-lived children",
)
UNTOLD = ("sleep", "event loop for ever", "back-off in small steps", "wait for a file lock")
STUCK = "uninterruptible sleep"

_SCRIPTS = {
    "prompt on a terminal": "READY.touch(); input()",
    "read of a pipe": "READY.touch(); sys.stdin.read()",
    "tool at a prompt": "READY.touch(); subprocess.run(['cat'])",
    "busy loop": "READY.touch()\nwhile True: pass",
    "silent peer": "peer = socket.create_connection(('127.0.0.1', PORT)); READY.touch(); peer.recv(1)",
    "silent peer of an event loop": (
        "import asyncio\n"
        "async def ask():\n"
        "    reader, _ = await asyncio.open_connection('127.0.0.1', PORT)\n"
        "    READY.touch()\n"
        "    await reader.read(1)\n"
        "asyncio.run(ask())"
    ),
    "tool with a silent peer": (
        "code = \"import socket; socket.create_connection(('127.0.0.1', PORT)).recv(1)\"\n"
        "READY.touch(); subprocess.run([sys.executable, '-c', code])"
    ),
    "two locks": (
        "one, other = threading.Lock(), threading.Lock()\n"
        "both = threading.Barrier(2)\n"
        "def take(first, second):\n"
        "    with first:\n"
        "        both.wait(); READY.touch()\n"
        "        with second: pass\n"
        "threads = [threading.Thread(target=take, args=a) for a in ((one, other), (other, one))]\n"
        "[one.start() for one in threads]; [one.join() for one in threads]"
    ),
    "stopped by SIGSTOP": "READY.touch(); os.kill(os.getpid(), signal.SIGSTOP)",
    "compiler that says nothing": (
        "READY.touch(); subprocess.run(['sh', '-c', 'while :; do :; done'])"
    ),
    "writer into another directory": (
        "READY.touch()\nwhile True: open(os.devnull, 'w').write('x'); time.sleep(0.01)"
    ),
    "filler of memory": "READY.touch()\nwhile True: bytearray(b'x') * 40_000_000",
    "stream of a slow model": (
        "peer = socket.create_connection(('127.0.0.1', TALKING)); READY.touch()\n"
        "while peer.recv(1): pass"
    ),
    "model on this machine that thinks": (
        "peer = socket.create_connection(('127.0.0.1', TALKING)); READY.touch(); peer.recv(1)"
    ),
    "short-lived children": "READY.touch()\nwhile True: subprocess.run(['true']); time.sleep(0.2)",
    "sleep": "READY.touch(); time.sleep(3600)",
    "event loop for ever": ("import asyncio\nREADY.touch(); asyncio.run(asyncio.sleep(3600))"),
    "back-off in small steps": "READY.touch()\nwhile True: time.sleep(0.05)",
    # Whoever called vfork sleeps like one that waits for a disk, until its child runs or ends.
    STUCK: (
        "import ctypes\n"
        "READY.touch()\n"
        "ctypes.CDLL(None).vfork() == 0 and ctypes.CDLL(None).sleep(600)"
    ),
    "wait for a file lock": (
        "import fcntl\n"
        "held = open(sys.argv[1] + '.lock', 'w'); fcntl.flock(held, fcntl.LOCK_EX)\n"
        "READY.touch(); fcntl.flock(open(sys.argv[1] + '.lock', 'w'), fcntl.LOCK_EX)"
    ),
}
_ANSWERERS = {
    "stream of a slow model": (
        "import socket, sys, time\n"
        "line = socket.socket(fileno=int(sys.argv[1]))\n"
        "while True: line.send(b'x'); time.sleep(0.3)"
    ),
    "model on this machine that thinks": "while True: pass",
}
_COMMANDS = {
    "busy shell": "touch {ready}; while :; do :; done",
    "sleep with a busy child": "touch {ready}; while :; do :; done & exec sleep 3600",
    "shell that waits for a busy child": "touch {ready}; (while :; do :; done) & wait",
}


class Stage:
    """Starts them, with what they need at the other end: a terminal, a pipe, a peer."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._places: set[Path] = set()
        self._held = ExitStack()
        self._silent = self._peer()
        self._talking = self._peer()

    def start(self, kind: str, cwd: Path) -> subprocess.Popen[bytes]:
        """Start an agent of this kind in a worktree, and wait until it is where it wants to be."""
        ready = self.directory / f"ready-{len(self.processes)}"
        process = subprocess.Popen(
            self._command(kind, ready),
            cwd=cwd,
            stdin=self._input(kind),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        self._places.add(cwd)
        wait_until(ready.exists, f"{kind} to be ready")
        if kind in _ANSWERERS:
            self._answer(_ANSWERERS[kind])
        return process

    def close(self) -> None:
        """End them all with what they started, by pid."""
        for process in self.processes:
            process.kill()
            process.wait()
        for place in {self.directory, *self._places}:
            end_processes_below(place)
        self._held.close()

    def _command(self, kind: str, ready: Path) -> list[str]:
        if kind == "agent that spins below a shell":
            program = self.directory / "agent.py"
            program.write_text(_READY + _SCRIPTS["busy loop"])
            return ["sh", "-c", f"{sys.executable} {program} {ready} && true"]
        if kind in _COMMANDS:
            return ["bash", "-c", _COMMANDS[kind].format(ready=ready)]
        ports = {"PORT": self._silent, "TALKING": self._talking}
        script = _SCRIPTS[kind]
        for name, peer in ports.items():
            script = script.replace(name, str(peer.getsockname()[1]))
        return [sys.executable, "-c", _READY + script, str(ready)]

    def _input(self, kind: str) -> int:
        if kind in ("prompt on a terminal", "tool at a prompt"):
            master, slave = pty.openpty()
            self._held.callback(os.close, master)
            self._held.callback(os.close, slave)
            return slave
        return subprocess.PIPE if kind == "read of a pipe" else subprocess.DEVNULL

    def _peer(self) -> socket.socket:
        return self._held.enter_context(socket.create_server(("127.0.0.1", 0)))

    def _answer(self, code: str) -> None:
        """Be at the other end of its connection, in a process of its own."""
        line, _ = self._talking.accept()
        number = line.fileno()
        talker = subprocess.Popen(
            [sys.executable, "-c", code, str(number)], pass_fds=[number], cwd=self.directory
        )
        line.close()
        self.processes.append(talker)


@contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    """Have a stage, and nothing left of it afterwards."""
    made = Stage(directory)
    try:
        yield made
    finally:
        made.close()
