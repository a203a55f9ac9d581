"""What an entry of `no_proxy` stands for, and which requests take a proxy."""

import pytest

from exporter.braze.network import Network, covers


@pytest.mark.parametrize(
    ("entry", "host", "port", "expected"),
    [
        ("*", "rest.iad-01.braze.com", 443, True),
        ("braze.com", "braze.com", 443, True),
        ("braze.com", "rest.iad-01.braze.com", 443, True),
        (".braze.com", "rest.iad-01.braze.com", 443, True),
        ("*.braze.com", "REST.IAD-01.BRAZE.COM", 443, True),
        ("BRAZE.com.", "rest.braze.com", 443, True),
        ("braze.com", "notbraze.com", 443, False),
        ("rest.braze.com", "braze.com", 443, False),
        ("braze.com:8443", "rest.braze.com", 8443, True),
        ("braze.com:8443", "rest.braze.com", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.1.2.3/8", "10.200.0.1", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "ten.example", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.1.2.3:8443", "10.1.2.3", 443, False),
        ("fd00::/8", "fd12::1", 443, True),
        ("::1", "0:0:0:0:0:0:0:1", 443, True),
        ("[::1]", "::1", 443, True),
        ("[::1]:8443", "::1", 443, False),
        ("fd00::/8", "10.0.0.1", 443, False),
    ],
)
def test_an_entry_stands_for_hosts_suffixes_addresses_and_networks(
    entry: str, host: str, port: int, expected: bool
) -> None:
    assert covers(entry, host, port) == expected


def test_https_takes_the_proxy_unless_it_is_exempt_and_plain_http_never_does() -> None:
    network = Network("http://user:secret@proxy:3128", ("corp.example", "[fd00::1]:8443"))
    assert network.proxy_for("https://rest.iad-01.braze.com") == "http://user:secret@proxy:3128"
    assert network.proxy_for("https://braze.corp.example:8443") is None
    assert network.proxy_for("https://[fd00::1]:8443") is None
    assert network.proxy_for("http://127.0.0.1:8080") is None
    assert "secret" not in repr(network)
