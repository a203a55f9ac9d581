import asyncio
import base64
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import SecretBytes

from exporter.web.auth import BasicAuth, Passwords
from tests import virtual_time
from tests.unit.web.applications import Sources
from tests.unit.web.users import VirtualWorker, credentials, users

T = TypeVar("T")
USERS = users(ann="secret", zoë="größer:länger")
PATHS = ("/", "/metrics", "/api/v1/status", "/config", "/-/healthy", "/-/ready", "/nope")


def call(
    path: str = "/metrics",
    authorization: str | None = None,
    method: str = "GET",
    known: Mapping[str, SecretBytes] = USERS,
) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with client(known) as asking:
            headers = {} if authorization is None else {"authorization": authorization}
            return await asking.request(method, path, headers=headers)

    return run(scenario)


def run(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return virtual_time.run(lambda _: scenario(), start=datetime(2026, 1, 1, tzinfo=UTC))


def client(known: Mapping[str, SecretBytes]) -> httpx.AsyncClient:
    passwords = Passwords(lambda: known, asyncio.get_running_loop().time, VirtualWorker())
    transport = httpx.ASGITransport(BasicAuth(Sources().build(), lambda: known, passwords))
    return httpx.AsyncClient(transport=transport, base_url="http://exporter")


async def ask(asking: httpx.AsyncClient, name: str, password: str, forwarded: str = "") -> httpx.Response:
    headers = {"authorization": credentials(name, password), "x-forwarded-for": forwarded}
    return await asking.get("/-/healthy", headers=headers)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_everything_asks_for_a_password(path: str, method: str) -> None:
    answer = call(path, method=method)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="braze-cdi-exporter", charset="UTF-8"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("name", "password"), [("ann", "secret"), ("zoë", "größer:länger")])
def test_with_a_good_one_the_answer_comes(name: str, password: str) -> None:
    assert call(authorization=credentials(name, password)).content == b"first 1\nsecond 2\n"


def test_the_scheme_is_read_in_any_case() -> None:
    assert call(authorization=credentials("ann", "secret").replace("Basic", "bAsIC")).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        credentials("ann", "guessed"),
        credentials("zoë", "secret"),
        credentials("nobody", "secret"),
        credentials("", ""),
        credentials("ann", "secret").replace("Basic", "Bearer"),
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YW5uOnNlY3JldA",  # without its padding
        "Basic " + base64.b64encode(b"annsecret").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:secret").decode(),
        "ann:secret",
        "",
    ],
)
def test_anything_else_is_refused(authorization: str) -> None:
    answer = call(authorization=authorization)
    assert answer.status_code == 401
    assert "secret" not in answer.text


def test_without_users_nobody_is_asked() -> None:
    assert call(known={}).status_code == 200


def test_when_too_many_passwords_wait_the_next_is_put_off_and_a_known_one_served() -> None:
    async def scenario() -> list[httpx.Response]:
        async with client(USERS) as asking:
            first, *_ = [await ask(asking, "ann", "secret")]
            waiting = [asyncio.create_task(ask(asking, f"name {number}", "guess")) for number in range(33)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            told = [first, await ask(asking, "ann", "secret"), *(task.result() for task in done)]
            await asyncio.gather(*waiting)
            return told

    answers = run(scenario)
    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert answers[-1].headers["retry-after"] == "1"


def test_a_caller_is_known_by_what_the_last_proxy_forwards() -> None:
    async def scenario() -> list[int]:
        async with client(USERS) as asking:
            guesses = [
                asyncio.create_task(ask(asking, "ann", f"{number}", f"{number}, guesser")) for number in range(99)
            ]
            await asyncio.wait(guesses)
            guesses = [
                asyncio.create_task(ask(asking, "ann", f"more {number}", f"{number}, guesser")) for number in range(99)
            ]
            await asyncio.sleep(0.01)
            answer = await ask(asking, "ann", "secret", "guesser, home")
            await asyncio.wait(guesses)
            return [answer.status_code]

    assert run(scenario) == [200]
