import asyncio
import base64
from collections.abc import Mapping

import bcrypt
import httpx
import pytest
from pydantic import SecretBytes

from exporter.web.auth import _MOST_WAITING, BasicAuth
from tests.unit.web.applications import Sources
from tests.unit.web.users import credentials, users

USERS = users(ann="secret", zoë="größer:länger")
PATHS = ("/", "/metrics", "/api/v1/status", "/config", "/-/healthy", "/-/ready", "/nope")


def call(
    path: str = "/metrics",
    authorization: str | None = None,
    method: str = "GET",
    known: Mapping[str, SecretBytes] = USERS,
) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(BasicAuth(Sources().build(), lambda: known))
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            headers = {} if authorization is None else {"authorization": authorization}
            return await client.request(method, path, headers=headers)

    return asyncio.run(ask())


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
    async def scenario() -> list[int]:
        auth = BasicAuth(Sources().build(), lambda: USERS)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(auth), base_url="http://exporter") as client:

            async def ask(password: str) -> int:
                headers = {"authorization": credentials("ann", password)}
                return (await client.get("/-/healthy", headers=headers)).status_code

            first = await ask("secret")
            async with auth._passwords._turns.take(lambda: (0, 0)):
                waiting = [asyncio.create_task(ask(f"guess {number}")) for number in range(33)]
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                told = [first, await ask("secret"), *(task.result() for task in done)]
            await asyncio.gather(*waiting)
            return told

    assert asyncio.run(scenario()) == [200, 200, 503]


def test_a_probe_that_was_never_seen_is_answered_before_the_guesses_of_another_address() -> None:
    async def scenario() -> list[tuple[str, int]]:
        auth = BasicAuth(Sources().build(), lambda: USERS)
        answered: list[tuple[str, int]] = []

        async def ask(host: str, password: str) -> None:
            transport = httpx.ASGITransport(auth, client=(host, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
                headers = {"authorization": credentials("ann", password)}
                answered.append((host, (await client.get("/-/healthy", headers=headers)).status_code))

        await ask("guesser", "the first guess")
        async with auth._passwords._turns.take(lambda: (0, 0)):  # nobody is checked meanwhile
            asked = [asyncio.create_task(ask("guesser", f"guess {number}")) for number in range(100)]
            while len(answered) < 1 + 100 - _MOST_WAITING:  # noqa: ASYNC110 - steps of theirs, not time
                await asyncio.sleep(0)
            asked.append(asyncio.create_task(ask("probe", "secret")))
            while len(answered) < 2 + 100 - _MOST_WAITING:  # noqa: ASYNC110 - one guess gives way
                await asyncio.sleep(0)
        await asyncio.gather(*asked)
        return answered

    answered = asyncio.run(scenario())
    checked = [one for one in answered if one[1] != 503]
    assert checked[:2] == [("guesser", 401), ("probe", 200)]
    assert checked[2:] == [("guesser", 401)] * (_MOST_WAITING - 1)


def test_every_refusal_costs_the_same_whether_the_name_exists_and_whatever_its_hash_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {
        name: SecretBytes(b"$2b$%02d$" % cost + b"." * 53) for name, cost in (("cheap", 4), ("usual", 10), ("dear", 12))
    }
    checked: list[int] = []

    def check(_password: bytes, hashed: bytes) -> bool:
        checked.append(int(hashed[4:6]))
        return False

    monkeypatch.setattr(bcrypt, "checkpw", check)
    for name in (*known, "nobody", ""):
        checked.clear()
        assert call(authorization=credentials(name, "guessed"), known=known).status_code == 401
        assert sum(2**cost for cost in checked) == 2**12
