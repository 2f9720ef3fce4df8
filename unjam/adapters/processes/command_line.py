"""What a command line really runs: behind interpreters, launchers and ``sh -c``.

``grep orchestrator`` and ``vim orchestrator.py`` name a program; they do not run it.
"""

import re
import shlex
from collections.abc import Iterator, Sequence

Words = tuple[str, ...]


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text, for sets that read better as prose."""
    return frozenset(text.split())


SHELLS = words_in("sh bash zsh fish dash ksh mksh ash tcsh csh nu xonsh elvish")
_POWERSHELLS = frozenset(("pwsh", "powershell"))
_INTERPRETER = re.compile(r"(python|pypy|node|nodejs|ruby|perl|deno|bun|php|java|dotnet)[\d.]*t?")
_LAUNCHERS = words_in(
    "env nohup setsid nice ionice timeout stdbuf time sudo doas chrt taskset systemd-run "
    "systemd-inhibit caffeinate unbuffer strace ltrace xvfb-run catchsegv exec command "
    "uv poetry pdm hatch pipenv conda mamba rye pixi uvx npx pipx direnv dotenv op "
    "pdb cprofile debugpy coverage"
)
_LAUNCHER_WORDS = frozenset(("run", "exec", "tool", "--"))
_SHELL_VALUES = words_in("-o +o -O +O --rcfile --init-file")
_POWERSHELL_VALUES = words_in("-executionpolicy -ep -ex -workingdirectory -wd -version")
_INTERPRETER_VALUES = words_in("-W -X -r --require --import --loader -I")
_LAUNCHER_VALUES = words_in(
    "-u -g -C -s --user --group --chdir --signal --with --with-requirements --python --project "
    "--directory --env-file --extra --from --package"
)
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)
_DURATION = re.compile(r"[\d.]+[smhd]?")
_SEPARATOR = re.compile(r"[;&|()\n]+")
_CODE_FOLLOWS = re.compile(r"-[A-Za-z]*[ce]|-p|--eval|--print")
_MODULE_FOLLOWS = re.compile(r"-[A-Za-z]*m")
_DEPTH = 6  # launchers of launchers


def name_of(word: str) -> str:
    """Name a program as people do: without its path, a login shell's dash, or ``.exe``."""
    return word.rpartition("/")[2].removeprefix("-").removesuffix(".exe").casefold()


def programs(command: Sequence[str], depth: int = _DEPTH) -> Iterator[Words]:
    """Yield every program a command line runs, each with its arguments, launchers stripped."""
    if not command or depth == 0:
        return
    name, arguments = name_of(command[0]), tuple(command[1:])
    if name in SHELLS:
        yield from _of_shell(arguments, depth)
    elif name in _POWERSHELLS:
        yield from _of_powershell(arguments, depth)
    elif name in _LAUNCHERS:
        yield from programs(_launched(arguments), depth - 1)
    elif _INTERPRETER.fullmatch(name):
        yield from _of_interpreter(arguments, depth)
    else:
        yield tuple(command)


def is_interactive_shell(command: Sequence[str]) -> bool:
    """Tell a shell that waits for a person from one that runs a script."""
    if not command:
        return False
    name, arguments = name_of(command[0]), tuple(command[1:])
    if name in _POWERSHELLS:
        lowered = {one.casefold() for one in arguments}
        return "-noexit" in lowered or all(one.startswith("-nol") for one in lowered)
    return name in SHELLS and not _split(arguments, _SHELL_VALUES)[1]


def _of_shell(arguments: Words, depth: int) -> Iterator[Words]:
    options, rest = _split(arguments, _SHELL_VALUES)
    if any(re.fullmatch(r"-[a-z]*c", one) for one in options):
        for simple in _simple_commands(rest[0] if rest else ""):
            yield from programs(simple, depth - 1)
    elif rest:
        yield rest


def _of_powershell(arguments: Words, depth: int) -> Iterator[Words]:
    options, rest = _split(arguments, _POWERSHELL_VALUES)
    if any(one.casefold() in ("-c", "-command") for one in options):
        for simple in _simple_commands(" ".join(rest)):
            yield from programs(simple, depth - 1)
    elif rest:
        yield rest


def _of_interpreter(arguments: Words, depth: int) -> Iterator[Words]:
    options, rest = _split(arguments, _INTERPRETER_VALUES)
    if any(_MODULE_FOLLOWS.fullmatch(one) for one in options):
        yield from programs(rest, depth - 1)
    elif rest and not any(_CODE_FOLLOWS.fullmatch(one) for one in options):
        yield rest


def _launched(arguments: Words) -> Words:
    """Return the command a launcher was given, past its options, assignments and durations."""
    _, rest = _split(arguments, _LAUNCHER_VALUES)
    while rest and _is_preamble(rest[0]):
        _, rest = _split(rest[1:], _LAUNCHER_VALUES)
    return rest


def _is_preamble(word: str) -> bool:
    return bool(word in _LAUNCHER_WORDS or _ASSIGNMENT.fullmatch(word) or _DURATION.fullmatch(word))


def _split(arguments: Words, with_value: frozenset[str]) -> tuple[Words, Words]:
    """Part options, with their values, from the operands that follow."""
    takes_value = False
    for position, one in enumerate(arguments):
        if takes_value:
            takes_value = False
        elif one == "--":
            return arguments[:position], arguments[position + 1 :]
        elif one.startswith(("-", "+")) and len(one) > 1:
            takes_value = one in with_value or one.casefold() in with_value
        else:
            return arguments[:position], arguments[position:]
    return arguments, ()


def _simple_commands(line: str) -> Iterator[Words]:
    """Part a shell line at its operators; leading assignments are dropped."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()\n")
    lexer.whitespace, lexer.commenters = " \t", ""
    words: list[str] = []
    try:
        for token in lexer:
            if _SEPARATOR.fullmatch(token):
                yield _without_assignments(words)
                words = []
            else:
                words.append(token)
    except ValueError:
        words = line.split()  # an unclosed quote, or a dialect of its own: as good as it gets
    yield _without_assignments(words)


def _without_assignments(words: Sequence[str]) -> Words:
    start = next((n for n, one in enumerate(words) if not _ASSIGNMENT.fullmatch(one)), len(words))
    return tuple(words[start:])
