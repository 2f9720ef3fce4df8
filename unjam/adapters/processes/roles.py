"""What a process is to an orchestration, by its own command line and where it runs."""

import os
from collections.abc import Iterable

from unjam.adapters.processes.command_line import is_interactive_shell, name_of, programs, words_in
from unjam.adapters.processes.table import ProcessEntry, Sketch, Table, ancestors_of

_EDITORS = words_in(
    "vi vim nvim view vimdiff nano pico emacs emacsclient hx helix kak micro ed joe ne jed mcedit"
)
_EDITORS_WITH_WINDOWS = words_in(
    "code code-insiders code-server codium cursor windsurf zed subl sublime_text gedit kate idea "
    "pycharm webstorm goland clion rider phpstorm rubymine studio fleet atom lapce"
)
_SESSION_HOSTS = words_in(
    "tmux screen zellij dtach abduco mosh-server sshd login ssh-agent gpg-agent dbus-daemon "
    "gnome-terminal-server konsole xterm alacritty kitty wezterm-gui ghostty"
)


def is_git(entry: Sketch) -> bool:
    """Tell Git and its helpers, whatever directory they were started from."""
    name = _name(entry)
    return name == "git" or name.startswith("git-")


def is_personal(entry: ProcessEntry) -> bool:
    """Tell a shell or editor a person sits at, or what keeps a person's terminals."""
    if entry.has_terminal and is_interactive_shell(entry.command):
        return True
    name = _name(entry)
    if name in _EDITORS:
        return entry.has_terminal
    return name in _SESSION_HOSTS or name in _EDITORS_WITH_WINDOWS


def is_editors_helper(entry: ProcessEntry, table: Table) -> bool:
    """Tell what an editor with windows started by itself, in a directory it shows.

    What a person started in a terminal of the editor is not the editor's.
    """
    for above in ancestors_of(entry.pid, table):
        if above.has_terminal and is_interactive_shell(above.command):
            return False
        if _has_windows(above):
            return True
    return False


def _has_windows(entry: Sketch) -> bool:
    return _name(entry) in _EDITORS_WITH_WINDOWS or any(
        f".{name}-server/" in word for word in entry.command[:2] for name in ("vscode", "cursor")
    )


def is_hinted(entry: Sketch, agents: Iterable[str]) -> bool:
    """Tell a program that is called like a known agent."""
    names = {name_of(word) for word in entry.command[:1]}
    names |= {name_of(program[0]) for program in programs(entry.command)}
    names |= {name.rpartition(".")[0] for name in names}
    return not names.isdisjoint(agents)


def orchestrates(entry: Sketch, patterns: Iterable[str], repo: str) -> bool:
    """Tell whether it runs a program that is called like the orchestrator."""
    wanted = tuple(patterns)
    words = "\0".join(entry.command)
    # Cheap first: nearly every process of a machine ends here.
    if not any(pattern.split()[0] in words for pattern in wanted if pattern.strip()):
        return False
    return any(_matches(program, wanted, repo) for program in programs(entry.command))


def _matches(program: tuple[str, ...], patterns: Iterable[str], repo: str) -> bool:
    # A repository that is itself called like the orchestrator makes nothing in it one.
    own = program[0].removeprefix(repo + os.sep)
    line = " ".join((own, *program[1:]))
    return any(one in (line if " " in one else own) for one in patterns)


def _name(entry: Sketch) -> str:
    if not entry.command:
        return ""
    word = entry.command[0]
    # Some write a title of their own there: "sshd: person@pts/0".
    return name_of(word if "/" in word else word.split(" ", 1)[0].rstrip(":"))
