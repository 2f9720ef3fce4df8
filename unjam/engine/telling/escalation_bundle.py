"""Write the bundle: a page, the state, the logs, what the vault holds, and a manifest of it all."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git.restoring.bundle import bundled_contents, write_bundle
from unjam.domain.redaction.redact import is_clean
from unjam.domain.reports.escalation_page import Escalation, escalation_page, title_of
from unjam.engine.keeping.vault import NAMESPACE
from unjam.engine.orchestration import Orchestration
from unjam.engine.telling.escalation_texts import Clean, clean_for, log_texts, texts
from unjam.errors import UnjamError

PAGE, MANIFEST = "report.md", "manifest.json"


@dataclass(frozen=True, slots=True)
class WrittenBundle:
    """A bundle on disk."""

    folder: Path
    page: Path  # for the person: among the logs, where there is a directory for them
    files: tuple[str, ...]
    title: str
    secrets: frozenset[str]  # that were met
    called: str = ""  # what came of the configured command


def write_bundle_for(orchestration: Orchestration, case: Escalation, run: str) -> WrittenBundle:
    """Write the whole of it, each file at once; the manifest comes last and names all others."""
    folder = orchestration.home / "escalations" / run
    clean = clean_for(orchestration, case)
    made = dict(_contents(orchestration, case, clean))
    for name, content in made.items():
        files.write_atomically(folder / name, content)
    told = [*_git_bundle(orchestration, case, clean, folder)]
    names = [*made, *told, MANIFEST]
    page = clean.text(escalation_page(case, [str(folder), *names])).encode()
    files.write_atomically(folder / PAGE, page)
    files.write_atomically(folder / MANIFEST, _manifest(folder, case))
    person = _for_person(orchestration, case, folder, page)
    title = clean.text(title_of(case))
    return WrittenBundle(folder, person, (PAGE, *names), title, frozenset(clean.known))


def _contents(
    orchestration: Orchestration, case: Escalation, clean: Clean
) -> Iterator[tuple[str, bytes]]:
    for name, text in texts(orchestration, case, clean):
        yield name, text.encode("utf-8", "backslashreplace")
    ends = [
        (clean.text(name), clean.text(text).encode()) for name, text in log_texts(orchestration)
    ]
    yield f"logs_{_stamp(case)}.tar.gz", _packed(ends)


def _git_bundle(
    orchestration: Orchestration, case: Escalation, clean: Clean, folder: Path
) -> Iterator[str]:
    """Bundle what the vault holds; not if a secret is in it, since nothing can be taken out of it."""
    named = [one for one in case.vault if one.startswith(f"{NAMESPACE}/")]
    if not named:
        return
    try:
        for path, content in bundled_contents(orchestration.common, named, case.snapshot.trunk):
            text = content.decode("utf-8", "surrogateescape")
            if not is_clean(text, clean.known):
                yield f"(no vault.bundle: {path} may hold a secret; the vault has it: unjam vault list)"
                return
        target = folder / "vault.bundle"
        if write_bundle(orchestration.common, named, case.snapshot.trunk, target):
            yield target.name
    except UnjamError as error:
        yield f"(no vault.bundle: {clean.text(str(error))})"


def _manifest(folder: Path, case: Escalation) -> bytes:
    hashes = {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in files.children(folder)
        if one.name != MANIFEST and one.is_file()
    }
    document = {
        "schema": 1,
        "fingerprints": [one.fingerprint for one in case.findings],
        "observed_at": case.snapshot.observed_at.isoformat(),
        "sha256": hashes,
    }
    return json.dumps(document, indent=2).encode()


def _for_person(orchestration: Orchestration, case: Escalation, folder: Path, page: bytes) -> Path:
    logs = orchestration.below(orchestration.settings.orchestration.logs)
    if not logs.is_dir() or logs.is_symlink():
        return folder / PAGE
    target = logs / f"failure_{_stamp(case)}.md"
    files.write_atomically(target, page)
    return target


def _stamp(case: Escalation) -> str:
    return f"{case.snapshot.observed_at:%Y%m%dT%H%M%SZ}"


def read_page(bundle: str) -> str:
    """Return the page of a bundle that was written."""
    return (Path(bundle) / PAGE).read_text("utf-8")


def _packed(texts: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack contents under their names as ``.tar.gz``; nothing of this machine gets into it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in texts:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)
