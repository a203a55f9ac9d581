"""What a command does not need it does not import: nobody waits for a web server to be told a version."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = (
    "workspaces: [{name: w, rest_endpoint: 'https://rest.iad-03.braze.com', api_key: k, integrations: [{id: one}]}]"
)
CALL = "import sys; from exporter.cli import main; main({}, standalone_mode=False); print(*sys.modules)"
CLIENT_AND_SERVER = {"asyncio", "bcrypt", "httpx", "jinja2", "prometheus_client", "starlette", "structlog", "uvicorn"}
CONFIGURATION = {"pydantic", "yaml"}


@pytest.mark.parametrize(
    ("arguments", "needed", "not_needed"),
    [
        (["--version"], set(), CLIENT_AND_SERVER | CONFIGURATION),
        (["demo", "--help"], set(), CLIENT_AND_SERVER | CONFIGURATION),
        (["check"], CONFIGURATION, CLIENT_AND_SERVER),
    ],
)
def test_a_command_imports_only_what_it_needs(
    tmp_path: Path, arguments: list[str], needed: set[str], not_needed: set[str]
) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    call = [sys.executable, "-c", CALL.format(arguments)]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "click" in imported
    assert imported >= needed
    assert imported & not_needed == set()
