"""What a command does not need it does not import: nobody waits for a web server to be told a version."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = (
    "workspaces: [{name: w, rest_endpoint: 'https://rest.iad-03.braze.com', api_key: k, integrations: [{id: one}]}]"
)
CALL = "import sys; from exporter.cli import main; main({}, standalone_mode=False); print(*sys.modules)"
CLIENT_AND_SERVER = {
    "asyncio",
    "bcrypt",
    "httpcore",
    "jinja2",
    "prometheus_client",
    "starlette",
    "structlog",
    "uvicorn",
}
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


def test_nobody_looks_for_garbage_before_the_daemon_runs(tmp_path: Path) -> None:
    script = """
import asyncio, gc, sys
def run(self, daemon):
    daemon.close()
    print("exporter.app.daemon" in sys.modules, gc.get_stats() == before, flush=True)
asyncio.Runner.run = run
from exporter.__main__ import main
before = gc.get_stats()
main()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_a_scrape_is_answered_without_what_only_pages_for_people_need() -> None:
    script = """
import sys
import exporter.app.daemon
from tests.unit.web.applications import Sources, call
assert call(Sources(), "GET", "/metrics").status_code == 200
print(*sys.modules)
call(Sources(), "GET", "/")
assert "jinja2" in sys.modules
"""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert "jinja2" not in done.stdout.split()
