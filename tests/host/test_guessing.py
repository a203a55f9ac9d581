"""Guessing passwords keeps out neither a user who was never seen before, nor a probe, nor a scraper, nor by a proxy."""

import base64
import contextlib
import http.client
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import bcrypt
import pytest

from tests.e2e.command import Daemon, wait_for
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

GUESSERS = 60
COST = 10
CHECK_SECONDS = 2.0
"""Far more than the check in hand and one's own take, far less than those of all that guess."""
RETRY_SECONDS = 1.0
"""As `Retry-After` says."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    hashes = {name: bcrypt.hashpw(b"secret", bcrypt.gensalt(COST)).decode() for name in ("ann", "probe")}
    lines = "".join(f"  {name}: {hashed}\n" for name, hashed in hashes.items())
    (tmp_path / "web.yaml").write_text(f"basic_auth_users:\n{lines}")
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        with Daemon(tmp_path, "--web.config.file", "web.yaml") as daemon:
            yield daemon


def ask(port: int, source: str, name: str, password: str, path: str = "/-/healthy") -> int:
    """Return the status for a caller at *source*, an address of the loopback network."""
    given = base64.b64encode(f"{name}:{password}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Basic {given}"})
        return connection.getresponse().status


@contextlib.contextmanager
def guessing(port: int, source: str, name: str) -> Iterator[list[int]]:
    """Guess from *source* for *name*, which may hold the number of the guess; gives the answers' statuses."""
    ended, guesses, answers = threading.Event(), count(), list[int]()

    def guess() -> None:
        while not ended.is_set():
            number = next(guesses)
            with contextlib.suppress(OSError, http.client.HTTPException):
                answers.append(ask(port, source, name.format(number), f"guess {number}"))
            ended.wait(0.02)

    guessers = [threading.Thread(target=guess) for _ in range(GUESSERS)]
    for one in guessers:
        one.start()
    try:
        wait_for("guesses were held and the queue is full", lambda: len(answers) > GUESSERS and 503 in answers)
        yield answers
    finally:
        ended.set()
        for one in guessers:
            one.join()


def test_guessing_delays_the_guesser(daemon: Daemon) -> None:
    port = daemon.port
    with guessing(port, "127.0.0.66", "ann") as answers:
        for source, name, path in (
            ("127.0.0.7", "probe", "/-/healthy"),
            ("127.0.0.8", "ann", "/metrics"),
            ("127.0.0.8", "ann", "/"),
        ):
            began = monotonic()
            assert ask(port, source, name, "secret", path) == 200
            assert monotonic() - began < CHECK_SECONDS
        assert ask(port, "127.0.0.9", "nobody", "secret") in (401, 503)
    assert set(answers) <= {401, 503}


@pytest.mark.parametrize(("name", "turned_away"), [("name {}", 1), ("probe", 1), ("ann", 8)])
def test_one_who_comes_by_the_address_of_the_guesser_is_turned_away_a_few_times_at_most(
    daemon: Daemon, name: str, turned_away: int
) -> None:
    """For the same name, until what was guessed before has been checked: 17 guesses, on a busy processor."""
    with guessing(daemon.port, "127.0.0.66", name):
        answers = []
        for _ in range(turned_away + 1):
            answers.append(ask(daemon.port, "127.0.0.66", "ann", "secret", "/metrics"))
            sleep(RETRY_SECONDS)
    assert answers[-1] == 200
    assert set(answers) <= {200, 503}
