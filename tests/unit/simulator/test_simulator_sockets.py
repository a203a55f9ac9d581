"""The simulated Braze over real sockets on loopback. Nothing waits on the clock but one client's deadline."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from exporter.clock import SystemClock
from tests.simulated import SimulatedBraze
from tests.unit.simulator.asking import KEY, NOON, ask_status
from tests.world import World


class StoppedClock(SystemClock):
    def now(self) -> datetime:
        return NOON


@pytest.fixture
def users() -> str:
    return "4d1ab3f0-0000-4000-8000-000000000000"


@pytest.fixture
def path(users: str) -> str:
    return f"/cdi/integrations/{users}/job_sync_status"


@pytest.fixture
def braze(users: str) -> Iterator[SimulatedBraze]:
    world = World(1, NOON)
    world.add_workspace("production")
    world.add_integration("production", "users", integration_id=users, history=timedelta(hours=12))
    with SimulatedBraze(world, clock=StoppedClock()) as served:
        yield served


@pytest.fixture
def client(braze: SimulatedBraze) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=braze.url, headers=headers, timeout=10, trust_env=False) as asking:
        yield asking


def test_an_answer_arrives_as_the_core_gives_it(
    braze: SimulatedBraze, client: httpx.Client, path: str, users: str
) -> None:
    wanted = braze.call(lambda world: ask_status(world, users, "cursor=c2tpcDoxMA%3D%3D"))
    answer = client.get(path, params={"cursor": "c2tpcDoxMA=="})
    assert (answer.status_code, answer.content) == (200, wanted.body)
    assert answer.headers["link"] == wanted.headers["link"]
    assert answer.headers["x-ratelimit-remaining"] == "98"
    assert client.get("/nowhere").status_code == 404
    assert client.get("/cdi/integrations", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_a_reset_breaks_the_connection_before_any_answer(
    braze: SimulatedBraze, client: httpx.Client, path: str
) -> None:
    braze.call(lambda world: world.faults.add("reset", times=1))
    with pytest.raises(httpx.ReadError):
        client.get(path)
    assert client.get(path).status_code == 200


def test_a_cut_closes_the_connection_in_the_middle_of_the_body(
    braze: SimulatedBraze, client: httpx.Client, path: str
) -> None:
    braze.call(lambda world: world.faults.add("cut", times=1))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get(path)
    assert client.get(path).status_code == 200


def test_a_hanging_request_is_never_answered_and_disturbs_no_other(
    braze: SimulatedBraze, client: httpx.Client, path: str
) -> None:
    braze.call(lambda world: world.faults.add("hang", times=1))
    with pytest.raises(httpx.ReadTimeout):
        client.get(path, timeout=0.1)
    assert client.get(path).status_code == 200


def test_a_dripping_answer_comes_a_byte_at_a_time(braze: SimulatedBraze, client: httpx.Client, path: str) -> None:
    braze.call(lambda world: world.faults.add("drip", times=1))
    with client.stream("GET", path) as answer:
        first = next(answer.iter_raw())
        assert (len(first), answer.headers["content-length"] > "1") == (1, True)
    assert client.get(path).status_code == 200


def test_a_dripping_answer_ends_when_its_body_does(braze: SimulatedBraze, client: httpx.Client, path: str) -> None:
    braze.call(lambda world: (world.faults.add("list_body"), world.faults.add("drip", times=1)))
    assert client.get(path).content == b"[]"


def test_stopping_breaks_hanging_requests(users: str, path: str) -> None:
    world = World(1, datetime.now(UTC))
    world.add_workspace("production")
    world.add_integration("production", "users", integration_id=users)
    world.faults.add("hang")
    met: list[type[Exception]] = []
    answered = threading.Event()

    def ask_in_vain(url: str) -> None:
        try:
            httpx.get(url, headers={"authorization": f"Bearer {KEY}"}, timeout=30, trust_env=False)
        except httpx.TransportError as error:
            met.append(type(error))
        answered.set()

    with SimulatedBraze(world) as braze:
        threading.Thread(target=ask_in_vain, args=(braze.url + path,), daemon=True).start()
        asked = (braze.call(lambda world: world.requests["production"]) for _ in range(20_000))
        assert any(asked), "the request never came in"
    assert answered.wait(10)
    assert met == [httpx.RemoteProtocolError]
