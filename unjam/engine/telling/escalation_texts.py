"""Gather the texts of a bundle, and take the secrets out of all of them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from unjam.adapters import journal, logs, surroundings
from unjam.adapters.state.reference import TABLE
from unjam.adapters.state.rows.cells import TableCells, read_cells
from unjam.domain.redaction.redact import redact, secret_cells, secrets_among
from unjam.domain.reports.check_report import check_document
from unjam.domain.reports.escalation_page import Escalation, commands_of, title_of
from unjam.domain.world.snapshot import Scalar, Snapshot
from unjam.domain.world.words import printable
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError


@dataclass(slots=True)
class Clean:
    """Takes secrets out of texts; what it met in one, it knows in all the others."""

    known: set[str] = field(default_factory=set)

    def learn(self, texts: Sequence[str]) -> None:
        """Look for secrets in texts first, so that they are known wherever they stand."""
        for text in texts:
            self.known |= redact(text).found

    def text(self, text: str) -> str:
        """Return a text without its secrets, fit to be printed."""
        return redact(printable(text), self.known).text

    def document(self, value: Any) -> Any:
        """Return plain data, every text in it without its secrets."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(key)): self.document(one) for key, one in value.items()}
            case list() | tuple():
                return [self.document(one) for one in value]
            case _:
                return value


def clean_for(orchestration: Orchestration, case: Escalation) -> Clean:
    """Know the secrets of the environment, ours and the agents', of logs, rows, and rows as they were."""
    snapshot = case.snapshot
    pids = [one.identity.pid for one in snapshot.processes]
    clean = Clean(set(secrets_among(surroundings.environments(pids))))
    clean.learn([text for _, text in log_texts(orchestration)])
    tables = cells_of(orchestration, snapshot)
    clean.known |= {one for table in tables for one in secret_cells(table.columns, table.rows)}
    cells = (one for table in tables for row in table.rows for one in row)
    clean.learn([one for one in cells if isinstance(one, str)])
    clean.learn([" ".join(one.command) for one in snapshot.processes])
    for trial in case.trials:  # its journal has what its steps replaced in the rows
        with suppress(UnjamError):
            clean.learn([*_words(journal.read(orchestration.common, trial.run))])
    return clean


def _words(value: object) -> Iterator[str]:
    """Yield every text in plain data."""
    match value:
        case str():
            yield value
        case dict():
            yield from _words(list(value.values()))
        case list():
            for one in value:
                yield from _words(one)
        case _:
            pass


def log_texts(orchestration: Orchestration) -> tuple[tuple[str, str], ...]:
    """Return the ends of the newest logs by their names below the directory of logs."""
    folder = orchestration.below(orchestration.settings.orchestration.logs)
    found = logs.endings(folder)
    return tuple((path.relative_to(folder).as_posix(), text) for path, text in found)


def cells_of(orchestration: Orchestration, snapshot: Snapshot) -> tuple[TableCells, ...]:
    """Return every table of a state file; of a server the rows that were observed."""
    try:
        found = read_cells(orchestration.state)
    except UnjamError:
        found = ()
    if found or not snapshot.state.rows:
        return found
    columns = snapshot.state.columns
    sql = f"CREATE TABLE {TABLE} ({', '.join(columns)})"
    rows = tuple(tuple(value for _, value in row.values) for row in snapshot.state.rows)
    return (TableCells(TABLE, sql, rows, tuple(columns)),)


def texts(
    orchestration: Orchestration, case: Escalation, clean: Clean
) -> Iterator[tuple[str, str]]:
    """Yield the files of a bundle but the page and what is packed, each without its secrets."""
    seen = case.snapshot
    document = check_document(seen, case.findings) | {
        "title": title_of(case),
        "because": case.because,
        "commands": [command for command, _ in commands_of(case)],
        "tried": [one.run for one in case.trials],
        "kept": list(case.vault),
    }
    yield "findings.json", _as_json(clean.document(document))
    yield "state_dump.sql", "\n".join(_dump(orchestration, seen, clean)) + "\n"
    environment = {
        "versions": dict(case.versions),
        "variables set (names only)": surroundings.variable_names(),
        "free disk": seen.free_disk,
    }
    yield "environment.json", _as_json(clean.document(environment))


def _as_json(document: Any) -> str:
    return json.dumps(document, indent=2, default=str) + "\n"


def _dump(orchestration: Orchestration, snapshot: Snapshot, clean: Clean) -> Iterator[str]:
    state = snapshot.state
    yield f"-- {clean.text(state.location)}: {clean.text(state.because) or 'as it was observed'}"
    yield "-- Secrets are taken out: this is to be read, and not to be restored from."
    for table in cells_of(orchestration, snapshot):
        yield f"{clean.text(table.sql)};"
        name = '"' + clean.text(table.name).replace('"', '""') + '"'
        for row in table.rows:
            values = ", ".join(_literal(one, clean) for one in row)
            yield f"INSERT INTO {name} VALUES ({values});"  # noqa: S608 -- text for a reader


def _literal(value: Scalar, clean: Clean) -> str:
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"NULL /* {len(value)} bytes */"
        case str():
            return "'" + clean.text(value).replace("'", "''") + "'"
        case _:
            return str(value)
