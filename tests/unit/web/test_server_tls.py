import asyncio
import contextlib
import os
import resource
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from exporter.config.web import load_web_config
from exporter.web.accept import Listener
from exporter.web.listen import ListenAddress, bind_sockets
from exporter.web.security import Security
from tests.certificates import write_certificates
from tests.unit.web.applications import Sources
from tests.unit.web.running import PATIENT, answer, ended, get, running


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", *names).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def certificate_of(writer: asyncio.StreamWriter) -> bytes:
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert isinstance(certificate, bytes)
    return certificate


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def serving(authority: trustme.CA) -> ssl.SSLContext:
    return server_context(authority)


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    return client_context(authority)


def test_requests_are_answered_over_one_tls_connection(serving: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with running(tls=lambda: serving) as server:
            reader, writer = await server.connect(tls=trusting)
            for _ in range(2):
                writer.write(get("/metrics"))
                assert (await answer(reader)).endswith(b"\r\n\r\nfirst 1\nsecond 2\n")

    asyncio.run(scenario())


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half a greeting"])
def test_a_client_that_does_not_shake_hands_is_cut_and_holds_nobody_up(
    serving: ssl.SSLContext, trusting: ssl.SSLContext, sent: bytes
) -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, handshake_seconds=0.2), tls=lambda: serving) as server:
            silent, silent_writer = await server.connect()
            silent_writer.write(sent)
            reader, writer = await server.connect(tls=trusting)
            writer.write(get("/-/healthy"))
            assert (await answer(reader)).endswith(b"healthy\n")
            assert await ended(silent) == b""

    asyncio.run(scenario())


def test_after_the_handshake_the_deadline_of_a_request_counts(
    serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, request_seconds=0.05), tls=lambda: serving) as server:
            reader, _ = await server.connect(tls=trusting)
            assert await ended(reader) == b""

    asyncio.run(scenario())


def test_a_request_without_tls_gets_no_answer(serving: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with running(tls=lambda: serving) as server:
            reader, writer = await server.connect()
            writer.write(get("/metrics"))
            assert b"first 1" not in await ended(reader)

    asyncio.run(scenario())


def test_beyond_the_cap_the_handshake_that_has_waited_longest_makes_room(
    serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async def scenario() -> None:
        limits = replace(PATIENT, connections=2, handshake_seconds=30)
        async with running(limits, tls=lambda: serving) as server:
            silent = [await server.connect() for _ in range(2)]
            reader, writer = await server.connect(tls=trusting)
            assert await ended(silent[0][0]) == b""
            writer.write(get("/-/healthy"))
            assert (await answer(reader)).endswith(b"healthy\n")

    asyncio.run(scenario())


def test_stopping_does_not_wait_for_handshakes(serving: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, handshake_seconds=30, stop_seconds=30), tls=lambda: serving) as server:
            silent, _ = await server.connect()
            await server.connect()
            server.stop.set()
            assert await ended(silent) == b""
            async with asyncio.timeout(5):
                await server.serving

    asyncio.run(scenario())


def test_a_client_without_the_certificate_that_is_asked_for_gets_no_answer(authority: trustme.CA) -> None:
    async def scenario() -> None:
        verifying = server_context(authority)
        authority.configure_trust(verifying)
        verifying.verify_mode = ssl.CERT_REQUIRED
        known = client_context(authority)
        authority.issue_cert("prometheus").configure_cert(known)
        async with running(tls=lambda: verifying) as server:
            reader, writer = await server.connect(tls=known)
            writer.write(get("/-/healthy"))
            assert (await answer(reader)).endswith(b"healthy\n")
            with contextlib.suppress(ssl.SSLError):
                reader, writer = await server.connect(tls=client_context(authority))
                writer.write(get("/-/healthy"))
                assert await ended(reader) == b""

    asyncio.run(scenario())


def test_a_renewed_certificate_serves_the_next_connection(tmp_path: Path) -> None:
    authority = trustme.CA()
    config = tmp_path / "web.yaml"
    config.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")

    def renew() -> None:
        server = authority.issue_cert("localhost")
        (tmp_path / "server.crt").write_bytes(server.cert_chain_pems[0].bytes())
        (tmp_path / "server.key").write_bytes(server.private_key_pem.bytes())

    async def scenario() -> None:
        trusting = client_context(authority)
        renew()
        security = Security(lambda: load_web_config(str(config)), Sources().bound_log(), lambda _: None)
        async with running(tls=security.tls) as server:
            old_reader, old = await server.connect(tls=trusting)
            renew()
            assert await security.refresh() is None
            _, new = await server.connect(tls=trusting)
            assert certificate_of(new) != certificate_of(old)
            old.write(get("/-/healthy"))
            assert (await answer(old_reader)).endswith(b"healthy\n")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("allowed", "served"),
    [("[other.example, prometheus.example]", True), ("['2001:DB8::0:1']", True), ("[other.example]", False)],
)
def test_only_clients_with_an_allowed_name_are_served(tmp_path: Path, allowed: str, served: bool) -> None:
    authority = write_certificates(tmp_path)
    (tmp_path / "web.yaml").write_text(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: ca.crt\n"
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: {allowed}\n"
    )
    context = load_web_config(str(tmp_path / "web.yaml")).tls
    assert context is not None
    trusting = client_context(authority)
    authority.issue_cert("prometheus.example", "2001:db8::1").configure_cert(trusting)

    async def scenario() -> bytes:
        async with running(tls=lambda: context) as server:
            reader, writer = await server.connect(tls=trusting)
            writer.write(get("/-/healthy"))
            with contextlib.suppress(OSError):
                return await reader.read(1000)
            return b""

    assert (b"200 OK" in asyncio.run(scenario())) == served


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_clients_are_accepted_again_once_there_are_descriptors(
    serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        (listening,) = bind_sockets([ListenAddress("127.0.0.1", 0)])
        greeted: asyncio.Future[None] = loop.create_future()

        class Greeted(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                greeted.set_result(None)
                transport.close()

        listener = Listener(listening, lambda: serving, Greeted, PATIENT)
        with socket.create_connection(listening.getsockname()) as client:
            client.setblocking(False)
            with no_descriptor_left():
                listener._accept()
            assert listener._pause is not None
            _, writer = await asyncio.open_connection(sock=client, ssl=trusting, server_hostname="localhost")
            await greeted
            writer.close()
        listener.close()
        await listener.wait_closed()
        listening.close()

    asyncio.run(scenario())


def test_a_listener_closed_while_it_pauses_does_not_come_back(serving: ssl.SSLContext) -> None:
    async def scenario() -> None:
        (listening,) = bind_sockets([ListenAddress("127.0.0.1", 0)])
        listener = Listener(listening, lambda: serving, asyncio.Protocol, PATIENT)
        with socket.create_connection(listening.getsockname()), no_descriptor_left():
            listener._accept()
        listener.close()
        listening.close()
        assert listener._pause is not None
        assert listener._pause.cancelled()

    asyncio.run(scenario())


def test_a_connection_accepted_in_the_last_moment_is_let_go(serving: ssl.SSLContext) -> None:
    async def scenario() -> None:
        (listening,) = bind_sockets([ListenAddress("127.0.0.1", 0)])
        listener = Listener(listening, lambda: serving, asyncio.Protocol, PATIENT)
        client = socket.create_connection(listening.getsockname())
        listener._accept()
        listener.close()  # before the loop turns: the handshake has not begun
        await listener.wait_closed()
        reader, writer = await asyncio.open_connection(sock=client)
        assert await ended(reader) == b""
        writer.close()
        listening.close()

    asyncio.run(scenario())
