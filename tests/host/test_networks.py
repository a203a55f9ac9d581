"""The installed command behind proxies, with authorities of its own, and where connections die and names move."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.command import Daemon, run_command, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.host.networks import Listener, Proxy, proxying, tls_front
from tests.simulated import SimulatedBraze

PASSWORD = "password-of-the-proxy"
ID = "id-of-production"
BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
MOVING_NAME = """
import pathlib, socket
real = socket.getaddrinfo
def moving(host, *more, **options):
    moved = host in ("braze.test", b"braze.test")
    return real(pathlib.Path("address").read_text() if moved else host, *more, **options)
socket.getaddrinfo = moving
"""


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        yield braze


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


def configure(directory: Path, braze: SimulatedBraze, origin: str, ca_file: str = "ca.pem", **network: Any) -> None:
    network = {"ca_file": ca_file, **network} if ca_file else network
    write_config(directory, [workspace_entry(braze.world, "production", origin, network=network)])


def count_a_sync(braze: SimulatedBraze, daemon: Daemon) -> None:
    wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1], hint=lambda: daemon.stderr)
    before = sum(peek(daemon.port, "braze_cdi_rows_synced_total"))
    braze.call(lambda world: finish_sync(world, ID, word="success", rows_synced=7))
    wait_for("it counts", lambda: sum(peek(daemon.port, "braze_cdi_rows_synced_total")) == before + 7)


def ends_well(daemon: Daemon) -> None:
    assert daemon.stop()[0] == 0
    assert "Traceback" not in daemon.stderr


@pytest.mark.parametrize(("by", "scheme"), [("key", "http"), ("HTTPS_PROXY", "http"), ("HTTPS_PROXY", "https")])
def test_through_a_proxy_syncs_are_counted_and_it_never_sees_the_key(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path, by: str, scheme: str
) -> None:
    proxy = Proxy()
    trusted = authority if scheme == "https" else None
    with tls_front(braze.url, authority, "localhost") as front, proxying(proxy, trusted) as listener:
        url = f"{scheme}://user:{PASSWORD}@127.0.0.1:{listener.port}"
        configure(tmp_path, braze, f"https://localhost:{front.port}", **({"proxy": url} if by == "key" else {}))
        variables = {} if by == "key" else {by: url}
        checked = run_command(tmp_path, "check", env=variables)
        assert f"through the proxy {scheme}://127.0.0.1:{listener.port}" in checked.stdout
        with Daemon(tmp_path, env=variables) as daemon:
            count_a_sync(braze, daemon)
            ends_well(daemon)
    assert proxy.heard
    for head in proxy.heard:
        assert head.startswith(f"CONNECT localhost:{front.port} HTTP/1.1\r\n".encode())
        assert b"Proxy-Authorization: Basic" in head
    key = next(iter(braze.world.workspaces["production"].keys))
    assert key.encode() not in b"".join(proxy.heard)
    assert PASSWORD not in daemon.stderr + checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        ("407 Proxy Authentication Required", "the proxy asks for a password"),
        ("503 Service Unavailable", "the proxy refused (503)"),
        ("", "connection refused"),
    ],
)
def test_a_proxy_that_refuses_is_named_and_nothing_else_suffers(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path, refusal: str, text: str
) -> None:
    with proxying(Proxy(refusal)) as listener:
        if not refusal:
            listener.close()  # nobody listens
        url = f"http://user:{PASSWORD}@127.0.0.1:{listener.port}"
        configure(tmp_path, braze, "https://localhost:9", proxy=url)
        with Daemon(tmp_path) as daemon:
            wait_for("it says so", lambda: text in daemon.stderr.lower(), hint=lambda: daemon.stderr)
            assert f"through the proxy 127.0.0.1:{listener.port}" in daemon.stderr
            wait_for("it was tried", lambda: peek(daemon.port, "braze_cdi_up") == [0])
            assert ask(daemon.port, "/").status == 200
            ends_well(daemon)
    assert PASSWORD not in daemon.stderr


def test_a_socks_proxy_is_refused_in_words(braze: SimulatedBraze, tmp_path: Path) -> None:
    write_config(tmp_path, [workspace_entry(braze.world, "production", "https://localhost:9")])
    for command in (("check",), ("--web.listen-address", "127.0.0.1:0"), ("once",)):
        done = run_command(tmp_path, *command, env={"all_proxy": "socks5://127.0.0.1:1080"})
        assert done.returncode == 2
        assert "all_proxy: is a SOCKS proxy, which is not supported" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("host", "exempt"),
    [
        ("localhost", "example.org,localhost"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("[::1]", "example.org ::/64"),
    ],
)
def test_what_no_proxy_names_is_asked_directly(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path, host: str, exempt: str
) -> None:
    proxy, name = Proxy("503 Service Unavailable"), host.strip("[]")
    address = "127.0.0.1" if name == "localhost" else name
    with tls_front(braze.url, authority, name, address=address) as front, proxying(proxy) as listener:
        configure(tmp_path, braze, f"https://{host}:{front.port}")
        variables = {"HTTPS_PROXY": f"http://127.0.0.1:{listener.port}", "NO_PROXY": exempt}
        assert "network: direct, by `" in run_command(tmp_path, "check", env=variables).stdout
        with Daemon(tmp_path, env=variables) as daemon:
            count_a_sync(braze, daemon)
            ends_well(daemon)
    assert proxy.heard == []


@pytest.mark.parametrize("network", [{}, {"ca_file": "ca.pem"}, {"variable": "SSL_CERT_FILE"}])
def test_an_authority_of_the_company_is_trusted_once_it_is_named(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path, network: Mapping[str, str]
) -> None:
    with tls_front(braze.url, authority, "localhost") as front:
        configure(tmp_path, braze, f"https://localhost:{front.port}", network.get("ca_file", ""))
        variables = {network["variable"]: "ca.pem"} if "variable" in network else {}
        with Daemon(tmp_path, env=variables) as daemon:
            if network:
                count_a_sync(braze, daemon)
            else:
                wait_for(
                    "it says what to set", lambda: "set network.ca_file" in daemon.stderr, hint=lambda: daemon.stderr
                )
                assert peek(daemon.port, "braze_cdi_up") in ([], [0])
            ends_well(daemon)


@pytest.mark.parametrize("asked", [True, False])
def test_a_renewed_file_of_authorities_is_trusted_after_a_reload(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path, asked: bool
) -> None:
    new = trustme.CA()
    with tls_front(braze.url, new, "localhost") as front:
        configure(tmp_path, braze, f"https://localhost:{front.port}")
        flags = ("--web.enable-lifecycle", "--config.auto-reload-interval", "0" if asked else "100ms")
        with Daemon(tmp_path, *flags) as daemon:
            wait_for("the old one is of no use", lambda: peek(daemon.port, "braze_cdi_up") == [0])
            new.cert_pem.write_to_path(str(tmp_path / "renewed.pem"))
            (tmp_path / "renewed.pem").replace(tmp_path / "ca.pem")
            if asked:
                assert ask(daemon.port, "/-/reload", method="POST").status == 200
            count_a_sync(braze, daemon)
            ends_well(daemon)
            assert daemon.stderr.count("configuration reloaded") == 1


@pytest.mark.parametrize("tail", ["not a certificate", BROKEN])
@pytest.mark.parametrize("command", [("check",), ("once",), ()])
def test_authorities_that_cannot_be_used_end_a_command_with_the_name_of_their_variable(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path, command: tuple[str, ...], tail: str
) -> None:
    """OpenSSL ignores such a file without a word, and then no connection would be trusted."""
    known = authority.cert_pem.bytes().decode() if "BEGIN" in tail else ""
    (tmp_path / "broken.pem").write_text(known + tail)
    configure(tmp_path, braze, braze.url, "")
    done = run_command(tmp_path, *command, env={"SSL_CERT_FILE": "broken.pem"})
    assert done.returncode == 2
    assert "the environment: SSL_CERT_FILE: " in done.stderr
    assert "contains no certificate in PEM (name the file with the authority's certificate)" in done.stderr


@pytest.mark.parametrize("file", ["keys.log", "nowhere/keys.log"])
def test_the_keys_of_connections_are_written_nowhere(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path, file: str
) -> None:
    """Python's usual context would write them, from which the API key can be read, or fail where it cannot."""
    variables = {"SSLKEYLOGFILE": str(tmp_path / file)}
    with tls_front(braze.url, authority, "localhost") as front:
        configure(tmp_path, braze, f"https://localhost:{front.port}")
        with Daemon(tmp_path, env=variables) as daemon:
            count_a_sync(braze, daemon)
            address = f"http://127.0.0.1:{daemon.port}"
            for command in (("check", "--online"), ("once", "--storage.path="), ("explain", "--url", address, ID)):
                done = run_command(tmp_path, *command, env=variables)
                assert (done.returncode, "Traceback" in done.stderr) == (0, False)
            ends_well(daemon)
    assert not (tmp_path / file).exists()


def _has_accepted_more(front: Listener, than: int) -> bool:
    return front.accepted > than


def test_connections_that_die_between_polls_fail_none(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path
) -> None:
    with tls_front(braze.url, authority, "localhost") as front:
        configure(tmp_path, braze, f"https://localhost:{front.port}")
        with Daemon(tmp_path) as daemon:
            for _ in range(3):
                count_a_sync(braze, daemon)
                before = front.accepted
                front.cut()
                wait_for("it has connected again", partial(_has_accepted_more, front, before))
            count_a_sync(braze, daemon)
            assert set(peek(daemon.port, "braze_cdi_exporter_poll_failures_total")) <= {0}
            ends_well(daemon)


def test_a_name_that_moves_is_followed_when_its_connections_end(
    braze: SimulatedBraze, authority: trustme.CA, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(MOVING_NAME)
    (tmp_path / "address").write_text("127.0.0.1")
    with tls_front(braze.url, authority, "braze.test") as first:
        configure(tmp_path, braze, f"https://braze.test:{first.port}")
        with (
            tls_front(braze.url, authority, "braze.test", address="127.0.0.2", port=first.port) as second,
            Daemon(tmp_path, env={"PYTHONPATH": str(tmp_path)}) as daemon,
        ):
            count_a_sync(braze, daemon)
            assert second.accepted == 0
            (tmp_path / "new").write_text("127.0.0.2")
            (tmp_path / "new").replace(tmp_path / "address")
            first.close()
            count_a_sync(braze, daemon)
            assert second.accepted > 0
            ends_well(daemon)
