"""The network's surroundings: keys, the variables that are their defaults, and what `check` says of both."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.braze.network import Network
from exporter.config.errors import ConfigError
from exporter.config.load import load_config
from exporter.config.network import describe
from exporter.config.render import render_config
from tests.certificates import write_certificates

HTTPS = "https://rest.iad-01.braze.com"
PROXY = "http://proxy.example:3128"


def load(directory: Path, network: str = "", own: str = "", environ: Mapping[str, str] | None = None) -> Network:
    (directory / "config.yaml").write_text(
        f"{network}\nworkspaces:\n  - {{name: w, rest_endpoint: '{HTTPS}', api_key: k, integrations: [id: a]{own}}}\n"
    )
    (workspace,) = load_config(str(directory / "config.yaml"), environ=environ or {}).workspaces
    return workspace.network


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_variables_are_the_defaults(tmp_path: Path, name: str) -> None:
    network = load(tmp_path, environ={name: "proxy.example:3128", "NO_PROXY": ".corp.example, 10.0.0.0/8"})
    assert network == Network(PROXY, (".corp.example", "10.0.0.0/8"))


def test_empty_variables_are_unset(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"https_proxy": "", "HTTPS_PROXY": PROXY, "no_proxy": ""}).proxy == PROXY
    assert load(tmp_path, environ={"HTTPS_PROXY": "", "SSL_CERT_FILE": ""}) == Network()


def test_keys_win_over_variables_and_a_workspace_over_the_top(tmp_path: Path) -> None:

    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}
    top = "network: {proxy: 'http://other.example', no_proxy: []}"
    assert load(tmp_path, top, environ=environ) == Network("http://other.example:80")
    assert load(tmp_path, top, ", network: {proxy: off, no_proxy: [a.example]}", environ) == Network(
        None, ("a.example",)
    )


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"HTTPS_PROXY": "socks5://proxy:1080"}, "is a SOCKS proxy, which is not supported"),
        ({"ALL_PROXY": "ftp://proxy:1080"}, "has a scheme that is not supported"),
        ({"https_proxy": "http://[::1"}, "is not the URL of a proxy"),
        ({"https_proxy": "http://proxy:99999"}, "is not the URL of a proxy"),
        ({"https_proxy": "http://proxy:3128/path"}, "has more than host and port"),
        ({"NO_PROXY": "10.0.0.0/33"}, "contains something that is not a network"),
        ({"NO_PROXY": "https://a.example"}, "contains a URL"),
        ({"NO_PROXY": "a,*b*"}, "contains an entry that matches no host"),
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "does not exist"),
        ({"SSL_CERT_FILE": "/dev/null"}, "is not a regular file"),
        ({"SSL_CERT_DIR": "/nowhere"}, "/nowhere is not a directory, or does not exist"),
        ({"SSL_CERT_DIR": f"/etc:{__file__}"}, f"{__file__} is not a directory"),
    ],
)
def test_a_variable_that_cannot_be_used_is_an_error_that_names_it(
    tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ=variables)
    assert str(caught.value).startswith(f"the environment: {next(iter(variables))}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("network", "key"),
    [
        ("network: {proxy: 'socks5://user:secret@proxy'}", "network.proxy"),
        ("network: {proxy: 'http://user:secret@'}", "network.proxy"),
        ("network: {no_proxy: [a.example, 10.0.0.0/99]}", "network.no_proxy[1]"),
        ("network: {ca_file: missing.pem}", "network.ca_file"),
        ("network: {ca_file: server.key}", "network.ca_file"),
    ],
)
def test_a_key_that_cannot_be_used_is_an_error_at_its_place(tmp_path: Path, network: str, key: str) -> None:
    write_certificates(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, network)
    (error,) = caught.value.errors
    assert (error.line, error.key) == (1, key)
    assert "secret" not in str(error)


def test_a_password_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    load(tmp_path, "network: {proxy: 'http://user:secret@proxy.example:3128'}")
    config = load_config(str(tmp_path / "config.yaml"), environ={})
    assert "secret" not in repr(config)
    shown = render_config(config)
    assert "user:secret" not in shown
    assert f"proxy: {PROXY}" in shown


@pytest.mark.parametrize(
    ("network", "origin", "said"),
    [
        (Network(), HTTPS, []),
        (Network("http://user:secret@proxy.example:3128"), HTTPS, [f"w: network: through the proxy {PROXY}"]),
        (Network(PROXY, (".braze.com",)), HTTPS, ["w: network: direct, by `.braze.com` of no_proxy"]),
        (Network(PROXY), "http://127.0.0.1:80", ["w: network: direct, as plain HTTP takes no proxy"]),
        (Network(ca_file="ca.pem"), HTTPS, ["w: network: trusts the file ca.pem beside the system's authorities"]),
    ],
)
def test_check_says_what_will_be_done(network: Network, origin: str, said: list[str]) -> None:
    assert list(describe("w", origin, network)) == said
