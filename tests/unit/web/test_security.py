import asyncio
import ssl
from dataclasses import dataclass, field

import pytest
from starlette.types import Message, Receive, Scope, Send

from exporter.config.errors import ConfigError, FieldError
from exporter.config.web import WebConfig
from exporter.web.security import ExtraHeaders, Security
from tests.unit.web.applications import Sources
from tests.unit.web.users import users

ERROR = ConfigError([FieldError("web.yaml", 3, "basic_auth_users", "names no user", "add one")])


@dataclass
class OnDisk:
    """What reading the web configuration gives; a test changes it at will."""

    content: WebConfig | Exception
    sources: Sources = field(default_factory=Sources)
    reported: list[bool] = field(default_factory=list)

    def load(self) -> WebConfig:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    def security(self) -> Security:
        return Security(self.load, self.sources.bound_log(), self.reported.append)

    @property
    def logged(self) -> list[str]:
        return [call.method_name for call in self.sources.log.calls]


def context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def test_what_cannot_be_used_at_the_start_is_an_error() -> None:
    with pytest.raises(ConfigError):
        OnDisk(ERROR).security()


def test_without_tls_there_is_no_context_to_ask_for() -> None:
    assert OnDisk(WebConfig(users=users(ann="secret"))).security().tls is None


def test_refreshing_takes_new_users_and_a_new_context() -> None:
    disk = OnDisk(WebConfig(tls=context(), users=users(ann="secret")))
    security = disk.security()
    tls = security.tls
    assert tls is not None
    renewed = WebConfig(tls=context(), users=users(bob="secret"))
    disk.content = renewed
    assert asyncio.run(security.refresh()) is None
    assert tls() is renewed.tls
    assert security.users() == renewed.users
    assert disk.logged == []


def test_what_cannot_be_used_changes_nothing_and_is_logged_once() -> None:
    disk = OnDisk(WebConfig(tls=context(), users=users(ann="secret")))
    security, before = disk.security(), disk.content
    assert isinstance(before, WebConfig)
    disk.content = ERROR
    assert [asyncio.run(security.refresh()) for _ in range(3)] == [str(ERROR)] * 3
    assert security.users() == before.users
    assert security.tls is not None
    assert security.tls() is before.tls
    assert disk.logged == ["error"]
    disk.content = before
    assert asyncio.run(security.refresh()) is None
    assert disk.logged == ["error", "info"]


def test_a_defect_while_reading_is_a_failed_refresh_like_any_other() -> None:
    disk = OnDisk(WebConfig(users=users(ann="secret")))
    security = disk.security()
    disk.content = MemoryError("too much")
    reason = asyncio.run(security.refresh(asked=True))
    assert reason is not None
    assert "MemoryError: too much" in reason
    assert (disk.reported, disk.logged, list(security.users())) == ([False], ["error"], ["ann"])


def test_whoever_asks_for_it_finds_in_the_log_how_it_went() -> None:
    disk = OnDisk(WebConfig(users=users(ann="secret")))
    security, good = disk.security(), disk.content
    assert asyncio.run(security.refresh(asked=True)) is None
    disk.content = ERROR
    assert [asyncio.run(security.refresh(asked=True)) for _ in range(2)] == [str(ERROR)] * 2
    disk.content = good
    assert asyncio.run(security.refresh(asked=True)) is None
    assert disk.logged == ["info", "error", "error", "info"]
    assert disk.reported == [True, False, False, True]


@pytest.mark.parametrize("at_first", [True, False])
def test_tls_is_not_turned_on_or_off_while_the_server_runs(at_first: bool) -> None:
    with_tls, plain = WebConfig(tls=context()), WebConfig(users=users(ann="secret"))
    disk = OnDisk(with_tls if at_first else plain)
    security = disk.security()
    disk.content = plain if at_first else with_tls
    assert asyncio.run(security.refresh()) == "the web configuration turns TLS on or off: that needs a restart"
    assert (security.tls is not None) == at_first
    assert disk.logged == ["error"]
    assert disk.reported == [False]


def test_passwords_are_not_turned_off_while_the_server_runs() -> None:
    disk = OnDisk(WebConfig(users=users(ann="secret")))
    security = disk.security()
    disk.content = WebConfig()
    assert asyncio.run(security.refresh()) == "the web configuration turns passwords off: that needs a restart"
    assert set(security.users()) == {"ann"}


async def tell_headers(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"a"), (b"x-b", b"c")]})


@pytest.mark.parametrize("headers", [{}, {"X-Frame-Options": "deny", "X-XSS-Protection": "1"}])
def test_configured_headers_take_the_place_of_ours(headers: dict[str, str]) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(ExtraHeaders(tell_headers, lambda: headers)({}, receive, send))
    kept = [(b"x-b", b"c")]
    added = [(b"x-frame-options", b"deny"), (b"x-xss-protection", b"1")]
    assert sent[0]["headers"] == (kept + added if headers else [(b"X-Frame-Options", b"a"), *kept])


def test_it_is_kept_fresh_for_ever_and_each_time_tells_how_it_went() -> None:
    async def scenario() -> None:
        disk = OnDisk(WebConfig(users=users(ann="secret")))
        good, reported = disk.content, asyncio.Queue[bool]()

        def report(successful: bool) -> None:
            disk.content = good if disk.content is ERROR else ERROR
            reported.put_nowait(successful)

        keeping = asyncio.create_task(Security(disk.load, disk.sources.bound_log(), report).keep_fresh(0))
        async with asyncio.timeout(5):
            assert [await reported.get() for _ in range(4)] == [True, False, True, False]
        keeping.cancel()

    asyncio.run(scenario())
