"""`--web.config.file` puts TLS and a password in front of every page, and a reload takes renewed ones at once."""

import base64
import http.client
import os
import signal
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import trustme

from tests.e2e.command import Daemon, files, run_command, wait_for
from tests.e2e.scraping import Answer, ask, parse, sample
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

PATHS = ("/", "/metrics", "/api/v1/status", "/config", "/-/healthy", "/-/ready", "/nothing")
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
AT_ONCE_SECONDS = 10.0
"""Well before the 30 seconds after which the files would be read anew without a reload."""
NOT_RELOADED = "The web configuration was not reloaded; the old one stays."
ERROR = "web.yaml:1: tls_server_configs: is not a known key (did you mean tls_server_config?)"
HASH = "$2y$04$notahash"
SUCCESSFUL = sample("braze_cdi_exporter_config_last_reload_successful")
USERS = f"basic_auth_users:\n  ann: {HASH}\n"


@dataclass
class Secured:
    """The files that secure an exporter, and how a client that knows them asks."""

    directory: Path
    authority: trustme.CA

    def write(self, user: str, password: str, more: str = TLS) -> None:
        """Write a web configuration with a new certificate."""
        server = self.authority.issue_cert("127.0.0.1")
        (self.directory / "server.crt").write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
        (self.directory / "server.key").write_bytes(server.private_key_pem.bytes())
        digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        (self.directory / "web.yaml").write_text(f"{more}basic_auth_users: {{{user}: {digest}}}\n")

    def ask(
        self, daemon: Daemon, path: str = "/-/healthy", user: str = "", password: str = "", method: str = "GET"
    ) -> Answer:
        given = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {given}"} if user else {}
        return ask(daemon.port, path, headers, method, self.trusting)

    def certificate(self, daemon: Daemon) -> str:
        return ssl.get_server_certificate(("127.0.0.1", daemon.port))

    @property
    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        secured = Secured(tmp_path, trustme.CA())
        secured.write("ann", "old secret")
        yield secured


def see_it_refuse_strangers(secured: Secured, daemon: Daemon) -> None:
    for path in PATHS:
        refused = secured.ask(daemon, path)
        assert (refused.status, "production" in refused.text) == (401, False)
        assert refused.headers["www-authenticate"].startswith("Basic ")
    assert secured.ask(daemon, user="ann", password="wrong").status == 401
    assert secured.ask(daemon, user="bob", password="old secret").status == 401
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(daemon.port, "/-/healthy")
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(daemon.port, "/-/healthy", tls=ssl.create_default_context())


def test_every_page_needs_tls_and_a_password_and_a_reload_renews_both(secured: Secured) -> None:
    flags = ("--web.config.file", "web.yaml", "--web.enable-lifecycle")
    with Daemon(secured.directory, *flags) as daemon:
        see_it_refuse_strangers(secured, daemon)
        assert secured.ask(daemon, user="ann", password="old secret").status == 200
        assert parse(secured.ask(daemon, "/metrics", "ann", "old secret").text) != {}

        certificate = secured.certificate(daemon)
        secured.write("ann", "new secret")
        assert secured.ask(daemon, "/-/reload", "ann", "old secret", "POST").status == 200
        assert secured.ask(daemon, user="ann", password="old secret").status == 401
        assert secured.ask(daemon, user="ann", password="new secret").status == 200
        assert secured.certificate(daemon) != certificate

        secured.write("bob", "third secret")
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for(
            "the new user may ask",
            lambda: secured.ask(daemon, user="bob", password="third secret").status == 200,
            AT_ONCE_SECONDS,
        )
        assert secured.ask(daemon, user="ann", password="new secret").status == 401

        certificate = secured.certificate(daemon)
        secured.write("eve", "fourth secret", more="tls_server_configs: {}\n")
        config = secured.directory / "config.yaml"
        config.write_text(config.read_text().replace("interval: 1s", "interval: 2s"))
        refused = secured.ask(daemon, "/-/reload", "bob", "third secret", "POST")
        assert (refused.status, refused.text.splitlines()) == (500, [NOT_RELOADED, ERROR])
        assert secured.ask(daemon, user="bob", password="third secret").status == 200
        assert secured.certificate(daemon) == certificate
        assert "interval: 2s" in secured.ask(daemon, "/config", "bob", "third secret").text
        assert parse(secured.ask(daemon, "/metrics", "bob", "third secret").text)[SUCCESSFUL] == 0
        wait_for("it says so", lambda: daemon.stderr.count("level=error") == 1)
        assert ERROR in daemon.stderr
        assert "secret" not in daemon.stderr
        assert "$2" not in daemon.stderr

        secured.write("eve", "fourth secret")
        assert secured.ask(daemon, "/-/reload", "bob", "third secret", "POST").status == 200
        assert parse(secured.ask(daemon, "/metrics", "eve", "fourth secret").text)[SUCCESSFUL] == 1


def test_what_cannot_be_used_keeps_the_daemon_from_starting(secured: Secured) -> None:
    (secured.directory / "web.yaml").write_text(f"tls_server_config: {{cert_file: server.crt}}\n{USERS}")
    before = files(secured.directory)
    refused = run_command(secured.directory, "--web.config.file", "web.yaml")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in refused.stderr.splitlines()] == ["web.yaml:1", "web.yaml:3"]
    assert HASH not in refused.stderr
    assert files(secured.directory) == before

    missing = run_command(secured.directory, "--web.config.file", "wbe.yaml")
    assert (missing.returncode, missing.stdout, len(missing.stderr.splitlines())) == (2, "", 1)
    assert missing.stderr.startswith("wbe.yaml: ")
