"""One command serves everything, to this machine alone, tells nobody outside, and leaves nothing running."""

import ast
import asyncio
import base64
import http.client
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import text

from deployments.serve import Watch, declared, deployment
from deployments.server import begin_to_write
from tests.command import ROOT, command, unjam, unjam_json
from tests.documented import typed
from tests.prefect_server import free_port
from tests.world import World, typical_wreck
from tests.world.shell import wait_until
from unjam.adapters.only_one import only_one
from unjam.cli.parser import parser
from unjam.engine.running.up_record import alone, password_in
from unjam.engine.running.watched_repositories import repositories_in
from unjam.errors import UsageError

PASSWORD = "ada:countess"
LOCAL = ("127.0.0.1", "::1", "localhost", None)
TELLTALE = """\
import os, sys
def tell(event, given):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        where = given[0] if event.startswith("socket.get") else given[1]
        with open(os.environ["TELLTALE"], "a") as log:
            log.write(f"{where!r}\\n")
sys.addaudithook(tell)
"""


class Served:
    """An `unjam up` with a password, whose every attempt to reach anybody is written down."""

    def __init__(self, place: Path) -> None:
        self.port = free_port()
        self.told = place / "told"
        self.output = place / "output"
        self.repos = place / "repositories"
        self.home = {"PREFECT_HOME": str(place / "prefect")}
        password = place / "password"
        (place / "sitecustomize.py").write_text(TELLTALE)
        password.write_text(f"{PASSWORD}\n")
        password.chmod(0o600)
        kept = {n: v for n, v in os.environ.items() if n != "DO_NOT_TRACK" and "PREFECT" not in n}
        path = f"{place}{os.pathsep}{ROOT}"
        options = ("--repos", self.repos, "--every", "2s", "--auth-file", password)
        self.repos.write_text("")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command("up", "--port", str(self.port), *options),
                cwd=place,
                env={**kept, **self.home, "PYTHONPATH": path, "TELLTALE": str(self.told)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: self.is_up or self.process.poll() is not None, "up")
        assert self.process.poll() is None, self.output.read_text()

    @property
    def is_up(self) -> bool:
        return "Ctrl-C" in self.output.read_text()

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> tuple[int, Mapping[str, str], bytes]:
        """What it answers to somebody who knows the password, unless told otherwise."""
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        known = {"Authorization": f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"}
        asking.request(method, path, headers=known if headers is None else headers)
        answer = asking.getresponse()
        return answer.status, {**answer.headers}, answer.read()


@pytest.fixture(scope="module")
def _kept() -> Iterator[list[Served]]:
    kept: list[Served] = []
    yield kept
    for one in kept:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.wait(300)


@pytest.fixture
def served(_kept: list[Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The one of this module, started when a test first asks for it."""
    if not _kept or _kept[-1].process.poll() is not None:
        _kept.append(Served(tmp_path_factory.mktemp("up")))  # it outlives a test
    return _kept[-1]


@pytest.mark.slow
def test_it_serves_the_ui_and_every_deployment_to_who_knows_the_password(served: Served) -> None:
    page = served.ask("/v2/dashboard", {"Accept": "text/html"})
    answers = {
        name: served.ask(f"/api/deployments/name/{name}/{name}")[0]
        for name in [one["name"] for one in declared()]
    }

    assert page[0] == 200
    assert b"<html" in page[2]
    assert set(answers.values()) == {200}, answers
    assert served.ask("/api/admin/version")[0] == 200
    assert served.ask("/api/admin/version", {})[0] == 401
    assert PASSWORD not in served.output.read_text()
    assert PASSWORD not in " ".join(
        word
        for one in psutil.Process(served.process.pid).children(recursive=True)
        for word in one.cmdline()
    )


@pytest.mark.slow
def test_what_the_page_about_the_api_tells_to_type_works_with_the_password(
    served: Served, world: World, tmp_path: Path
) -> None:
    typical_wreck(world)
    known = tmp_path / "curl"
    known.write_text(f'user = "{PASSWORD}"\n')
    api = {"API": f"http://127.0.0.1:{served.port}/api", "REPO": str(world.repo)}

    said = typed("api.md", {**api, "CURL_AUTH": str(known)}, tmp_path)

    assert [one for one in said if one in {"ACCEPT", "recovered"}] == ["ACCEPT", "recovered"]
    assert unjam_json("check", cwd=world.repo)["healthy"]


@pytest.mark.slow
def test_no_other_sites_page_can_act_through_it_and_its_own_reach_nobody_else(
    served: Served,
) -> None:
    here = f"127.0.0.1:{served.port}"

    assert served.ask("/api/health", {"Origin": f"http://{here}"})[0] == 200
    assert served.ask("/api/health", {"Origin": "http://elsewhere.example"})[0] == 403
    assert served.ask("/api/health", {"Host": f"elsewhere.example:{served.port}"})[0] == 403
    assert "default-src 'self'" in served.ask("/")[1]["content-security-policy"]


@pytest.mark.slow
def test_a_second_one_says_in_one_line_who_has_the_port(served: Served, tmp_path: Path) -> None:
    port = ("--port", str(served.port))

    same = unjam("up", *port, cwd=tmp_path, env=served.home)
    stranger = unjam("up", *port, cwd=tmp_path)  # it sees no record, but who listens
    elsewhere = unjam("up", "--port", str(free_port()), cwd=tmp_path, env=served.home)

    assert (same.returncode, stranger.returncode, elsewhere.returncode) == (2, 2, 2)
    assert f"taken by unjam up, pid {served.process.pid}; choose another with --port" in same.stderr
    assert "taken by pid " in stranger.stderr
    assert f"runs already at http://127.0.0.1:{served.port}" in elsewhere.stderr
    assert same.stderr.count("\n") == stranger.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_watch_looks_by_itself_and_a_recovery_from_the_terminal_is_recorded_there(
    served: Served, world: World
) -> None:
    typical_wreck(world)
    world.configure(policy={"restart": "off"})
    report = unjam_json("recover", "--yes", cwd=world.repo, env=served.home)

    run = served.ask(f"/api/flow_runs/{report['flow_run']['id']}")
    served.repos.write_text(f"{world.repo}\n")

    assert run[0] == 200
    assert json.loads(run[2])["name"] == report["flow_run"]["name"]
    sign = world.common / "unjam" / "watch.json"
    wait_until(sign.exists, "the watch to look")
    served.repos.write_text("")


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_nobody_outside_was_ever_asked(served: Served) -> None:
    served.ask("/api/collections/views/aggregate-worker-metadata")
    started = psutil.Process(served.process.pid).children(recursive=True)

    served.process.send_signal(signal.SIGINT)

    assert served.process.wait(300) == 0
    assert len(started) >= 2
    wait_until(lambda: not any(one.is_running() for one in started), "all to end")
    record = Path(served.home["PREFECT_HOME"], "unjam-up", "running.json")
    assert not record.exists()
    asked = {ast.literal_eval(line) for line in served.told.read_text().splitlines()}
    assert asked
    hosts = {one[0] if isinstance(one, tuple) else one for one in asked}
    assert {one for one in hosts if one not in LOCAL and not str(one).startswith("/")} == set()


def test_to_others_it_is_open_only_with_a_password_that_is_nobody_elses(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    everywhere = ("up", "--host", "0.0.0.0", "--port", str(free_port()))

    without = unjam(*everywhere, cwd=tmp_path)
    shared = unjam(*everywhere, "--auth-file", password, cwd=tmp_path)
    password.chmod(0o600)
    password.write_text("countess\n")
    nobody = unjam(*everywhere, "--auth-file", password, cwd=tmp_path)

    assert (without.returncode, shared.returncode, nobody.returncode) == (3, 3, 2)
    assert "--auth-file" in without.stderr
    assert "chmod 600" in shared.stderr
    assert "not user:password" in nobody.stderr
    assert "countess" not in nobody.stderr


def test_one_that_is_started_while_another_starts_says_so_and_touches_nothing(
    tmp_path: Path,
) -> None:
    prefect = tmp_path / "prefect"
    history = {"PREFECT_HOME": str(prefect)}

    with only_one(prefect / "unjam-up" / "lock") as other:
        second = unjam("up", "--port", str(free_port()), cwd=tmp_path, env=history)

    assert other is None
    assert second.returncode == 2
    assert f"another unjam up (pid {os.getpid()}) is starting" in second.stderr
    assert [one.name for one in (prefect / "unjam-up").iterdir()] == ["lock"]


def test_what_it_cannot_use_is_the_persons_mistake_and_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_HOME", "/dev/null/history")

    with pytest.raises(UsageError, match="cannot read /: it is no file"):
        password_in(Path("/"))
    with pytest.raises(UsageError, match="cannot read /dev/null: it is no file"):
        repositories_in([Path("/dev/null")])
    with pytest.raises(UsageError, match="cannot write /dev/null/history/unjam-up/lock"), alone():
        pass
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["up", "--every", "4000d"])
    assert ended.value.code == 2
    assert "look every 1s at most" in capsys.readouterr().err


def test_another_interval_replaces_the_schedule_of_the_watch() -> None:
    (wanted,) = (one for one in declared() if one["name"] == "detect")

    often = asyncio.run(deployment(wanted, Watch(every=timedelta(seconds=30))))
    seldom = asyncio.run(deployment(wanted, Watch(every=timedelta(hours=1))))
    as_written = asyncio.run(deployment(wanted))

    made = [one.schedules for one in (often, seldom, as_written)]
    assert [len(one or ()) for one in made] == [1, 1, 1]
    # Prefect lets a schedule with another slug go on beside the new one.
    assert len({one.slug for schedules in made for one in schedules or ()}) == 1


async def _meeting(database: AioSqliteConfiguration) -> int:
    """Two that read and then write, the second while the first is in between; returns what is written."""
    engine = await database.engine()

    async def write(then: Awaitable[object]) -> None:
        async with await database.session(engine) as session, database.begin_transaction(session):
            await session.execute(text("SELECT count(*) FROM runs"))
            await then
            await session.execute(text("INSERT INTO runs VALUES (1)"))

    async def second() -> None:
        other = asyncio.create_task(write(asyncio.sleep(0)))
        started_too.append(other)
        await asyncio.wait({other}, timeout=0.3)

    started_too: list[asyncio.Task[None]] = []
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE runs (id)"))
    await write(second())
    await asyncio.gather(*started_too)
    async with engine.connect() as connection:
        written = (await connection.execute(text("SELECT count(*) FROM runs"))).scalar_one()
    await engine.dispose()
    return int(written)


def test_of_two_requests_that_write_at_once_one_waits_and_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AioSqliteConfiguration, "begin_transaction", begin_to_write)

    assert asyncio.run(_meeting(AioSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path}/db"))) == 2
