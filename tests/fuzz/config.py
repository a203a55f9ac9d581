"""Fuzz target: any bytes as a configuration file, for Braze and for the web server; they load or are ConfigErrors."""

import contextlib
import tempfile
import warnings
from pathlib import Path

from exporter.config.errors import ConfigError
from exporter.config.load import load_config
from exporter.config.render import render_config
from exporter.config.web import load_web_config

SEEDS = ("tests/data/config/good", "tests/data/config/bad", "tests/data/web_config/bad")
WORDS = (
    *("poll:", "interval: 1m", "timeout:", "stale_after:", "max_pages:", "workspaces:", "- name:", "rest_endpoint:"),
    *("https://rest.iad-03.braze.com", "http://127.0.0.1:1", "api_key:", "api_key_env: KEY", "api_key_file:", "- id:"),
    *("rate_limit:", "share:", "discovery:", "enabled: true", "include: [", "exclude:", "expected_interval: 1h"),
    *("labels: {", "(?P<", "[[", "(?i)", "{1,99999999999}", "&a ", "*a", "<<: ", "!!", "? ", "|", "---\n", "...\n"),
    *("tls_server_config:", "cert_file:", "basic_auth_users:", "min_version: TLS13", "cipher_suites:", "$2b$10$"),
    *("0x1F", "1_000", ".inf", ".nan", "2026-03-01", "1:30", "\ufeff", "\x85", "\n  ", "\n- "),
)
SECRET = "6b0f4a52-secret-from-the-environment"


def check(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(prefix="fuzz-", suffix=".yaml") as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        Path(file.name).write_bytes(data)
        try:
            shown = render_config(load_config(file.name, environ={"KEY": SECRET}))
        except ConfigError as error:
            shown = _shown(error)
        assert SECRET not in shown
        with contextlib.suppress(ConfigError):
            load_web_config(file.name)


def _shown(error: ConfigError) -> str:
    assert error.errors
    for each in error.errors:
        assert each.line is None or each.line >= 1
        assert str(each).isprintable()
    return str(error)
