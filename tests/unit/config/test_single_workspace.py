"""A workspace before there is a configuration: what `init` is given, with the process's variables."""

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.load import single_workspace

ENDPOINT = "https://rest.iad-03.braze.com"


def test_it_has_the_key_of_the_file_and_the_network_of_the_variables(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" not-a-real-key \n")
    variables = {"https_proxy": "proxy.example.org:3128"}
    workspace = single_workspace("w", ENDPOINT, str(tmp_path / "key"), variables)
    assert (workspace.settings.name, workspace.settings.rest_endpoint) == ("w", ENDPOINT)
    assert workspace.key.read() == "not-a-real-key"
    assert workspace.network.proxy_for(ENDPOINT) == "http://proxy.example.org:3128"


def test_every_error_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(ConfigError) as raised:
        single_workspace("w", ENDPOINT, str(tmp_path / "key"), {"https_proxy": "socks5://proxy.example.org"})
    assert [error.file for error in raised.value.errors] == ["--api-key-file", "the environment"]
    (tmp_path / "key").write_text("not-a-real-key")
    with pytest.raises(ConfigError, match="SOCKS"):
        single_workspace("w", ENDPOINT, str(tmp_path / "key"), {"https_proxy": "socks5://proxy.example.org"})
