import asyncio
import os
import socket
from pathlib import Path

import pytest

from exporter.web import listen
from exporter.web.listen import (
    ListenAddress,
    ListenError,
    _listen_at_first,
    bind_sockets,
    bound_address,
    parse_address,
    sockets_handed_over,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":10273", "", 10273),
        ("127.0.0.1:9000", "127.0.0.1", 9000),
        ("[::1]:9000", "::1", 9000),
        ("localhost:0", "localhost", 0),
    ],
)
def test_an_address_reads_and_is_written_the_same(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert address == ListenAddress(host, port)
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "9000", "localhost", "::1:9000", "[::1]", ":", ":x", ":-1", ":65536", ":²", "a b:1", "http://a:1"),
        *(f":{'9' * 5000}", "a..b:1", f"{'a' * 64}:1", "\udcff:1"),
    ],
)
def test_what_is_no_address_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="listen address") as refused:
        parse_address(text)
    assert repr(text) in str(refused.value)


def test_all_interfaces_means_ipv4_as_well() -> None:
    (listening,) = bind_sockets([ListenAddress("", 0)])
    with listening:
        address = bound_address(listening)
        assert address.host == ""
        socket.create_connection(("127.0.0.1", address.port)).close()


@pytest.mark.parametrize(
    "unusable",
    [(socket.AF_INET6, ("2001:db8::1", 0)), (socket.AF_X25, ("", 0))],
    ids=["switched off", "not in the kernel"],
)
def test_ipv4_serves_where_the_other_family_is_off(unusable: tuple[int, tuple[str, int]]) -> None:
    with _listen_at_first([unusable, (socket.AF_INET, ("0.0.0.0", 0))]) as listening:
        assert listening.family == socket.AF_INET
        assert bound_address(listening).host == ""


def test_a_port_taken_in_the_first_family_is_not_served_in_the_second() -> None:
    (taken,) = bind_sockets([ListenAddress("127.0.0.1", 0)])
    with taken, pytest.raises(OSError, match="Address already in use"):
        _listen_at_first([(socket.AF_INET, taken.getsockname()), (socket.AF_INET, ("127.0.0.1", 0))])


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost"])
def test_connections_do_not_wait_for_acknowledgements(host: str) -> None:
    async def scenario() -> int:
        delay_off: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepting = writer.get_extra_info("socket")
            delay_off.set_result(accepting.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        (listening,) = bind_sockets([ListenAddress(host, 0)])
        async with await asyncio.start_server(accepted, sock=listening):
            _, writer = await asyncio.open_connection("127.0.0.1", bound_address(listening).port)
            value = await delay_off
            writer.close()
            return value

    assert asyncio.run(scenario()) == 1


def test_a_port_in_use_is_told_in_one_line_and_leaves_nothing_bound() -> None:
    (taken,) = bind_sockets([ListenAddress("127.0.0.1", 0)])
    (free,) = bind_sockets([ListenAddress("127.0.0.1", 0)])
    first = bound_address(free)
    free.close()
    with taken:
        with pytest.raises(ListenError) as refused:
            bind_sockets([first, bound_address(taken)])
        assert str(refused.value) == (
            f"cannot listen on {bound_address(taken)}: Address already in use; "
            "free it or choose another with --web.listen-address"
        )
    again = bind_sockets([first])
    again[0].close()


def test_a_host_that_is_not_ours_is_told_in_one_line() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:0: Cannot assign requested address"):
        bind_sockets([ListenAddress("192.0.2.1", 0)])


def test_a_name_that_does_not_resolve_is_told_in_one_line() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on name\.invalid:0: "):
        bind_sockets([ListenAddress("name.invalid", 0)])


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_INET, socket.SOCK_STREAM),
    ],
    ids=["UDP", "local", "silent"],
)
def test_a_passed_socket_that_does_not_listen_for_tcp_is_refused(
    monkeypatch: pytest.MonkeyPatch, family: int, kind: int
) -> None:
    passed = socket.socket(family, kind).detach()
    monkeypatch.setattr(listen, "_FIRST_HANDED_OVER", passed)
    with pytest.raises(ListenError, match=f"descriptor {passed} from systemd does not listen for TCP"):
        sockets_handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})


def test_what_is_no_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as passed:
        monkeypatch.setattr(listen, "_FIRST_HANDED_OVER", passed.fileno())
        with pytest.raises(ListenError, match="does not listen for TCP"):
            sockets_handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})


@pytest.mark.parametrize(
    ("pid", "count"), [("", "1"), ("1", "1"), (None, "0"), (None, ""), (None, "x"), (None, "²"), (None, "9" * 5000)]
)
def test_what_was_passed_to_nobody_or_another_process_is_not_taken(pid: str | None, count: str) -> None:
    with pytest.raises(ListenError, match="systemd has passed no socket"):
        sockets_handed_over({"LISTEN_PID": str(os.getpid()) if pid is None else pid, "LISTEN_FDS": count})
