"""
Clients that nobody here wrote, as they are on PyPI, against the simulated Braze over real sockets.

What they take for granted of Braze the simulator must do: where one of them stops working, one of the two is wrong.
`tools/fetch-braze-clients` installs each in an environment of its own; without it these tests fail.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import ON_DEMAND, every
from exporter.simulator.workspace import PERMISSIONS, SYNC_PERMISSION
from tests.simulated import SimulatedBraze
from tests.world import World

CLIENTS = Path(__file__).resolve().parents[2] / ".tools" / "braze-clients"
KEY = "key-of-production"
PATIENCE_SECONDS = 120

AIRFLOW = """
import json
import sys
from airflow.exceptions import AirflowException
from braze_provider.hooks.braze import BrazeHook
from braze_provider.operators.braze_cdi import BrazeRunCDIJobOperator

def told(work):
    try:
        return work()
    except AirflowException as error:
        return f"AirflowException: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def run(integration_id, **how):
    how = {"poll_interval": 1, "timeout": 30, **how}
    return BrazeRunCDIJobOperator(task_id=f"sync_{integration_id}", integration_id=integration_id, **how).execute({})

hook = BrazeHook()
print("RESULT", json.dumps({
    "connection": hook.test_connection(),
    "statuses": told(lambda: hook.get_cdi_job_sync_status("past")),
    "run": told(lambda: run("users")),
    "fails": told(lambda: run("fails")),
    "not waited for": told(lambda: run("slow", wait_for_completion=False)),
    "busy": told(lambda: run("slow")),
    "unknown": told(lambda: run("unheard-of")),
}))
"""

MCP = """
import asyncio
import json
import os
import sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main():
    server = StdioServerParameters(command=sys.argv[1], env=dict(os.environ))
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        found = {}
        for name, function, parameters in json.loads(sys.argv[2]):
            arguments = {"function_name": function, "parameters": parameters}
            answer = await session.call_tool("call_function", arguments)
            found[name] = json.loads(answer.content[0].text)
        print("RESULT", json.dumps(found))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def braze() -> Iterator[SimulatedBraze]:
    world = World(7, datetime.now(UTC))
    world.add_workspace("production", permissions=(*PERMISSIONS.values(), SYNC_PERMISSION))
    quick = Scale(seconds=(2, 3), rows=(100, 200))
    hourly = every(hours=1, phase=timedelta(minutes=30))
    world.add_integration(
        "production", "past", integration_id="past", schedule=hourly, scale=quick, history=timedelta(days=1)
    )
    for name in ("users", "fails", "slow"):
        scale = Scale(seconds=(600, 600)) if name == "slow" else quick
        world.add_integration("production", name, integration_id=name, schedule=ON_DEMAND, scale=scale)
    world.switch("error", "fails")
    with SimulatedBraze(world) as braze:
        yield braze


def run_client(client: str, directory: Path, script: str, *arguments: str, **env: str) -> dict[str, Any]:
    """Run *script* in a client's environment; return what it printed as its result."""
    binaries = CLIENTS / client / "bin"
    assert binaries.is_dir(), f"{client} is not installed; tools/fetch-braze-clients does it"
    done = subprocess.run(
        [str(binaries / "python"), "-c", script, *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert len(lines) == 1, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    found: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT "))
    return found


def test_airflow_starts_a_sync_waits_for_it_and_hears_why_not(braze: SimulatedBraze, tmp_path: Path) -> None:
    connection = json.dumps({"conn_type": "braze", "host": braze.url, "password": KEY})
    home = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_BRAZE_DEFAULT": connection}
    told = run_client("airflow-provider-braze", tmp_path, AIRFLOW, **home)
    truth = braze.call(lambda world: {name: world.truth(name) for name in world.integrations})
    assert told["connection"] == [True, "Connection successfully tested"]
    assert len(told["statuses"]) == 10
    (sync,) = truth["users"]
    assert told["run"]["job_status"] == "success"
    assert told["run"]["rows_synced"] == sync.rows_synced
    assert datetime.fromisoformat(told["run"]["sync_start_time"]) == sync.sync_start_time
    assert "failed with status 'error'" in told["fails"]
    assert told["not waited for"] == {"message": "success"}
    assert told["busy"] == "AirflowException: Another job is in progress"
    assert told["unknown"].startswith("HTTPError: 404")
    assert (len(truth["slow"]), len(truth["fails"])) == (1, 1)


def test_brazes_mcp_server_reads_list_and_syncs_into_its_own_models(braze: SimulatedBraze, tmp_path: Path) -> None:
    calls = [
        ("list", "list_integrations", {}),
        ("past", "get_integration_job_sync_status", {"integration_id": "past"}),
        ("older", "get_integration_job_sync_status", {"integration_id": "past", "cursor": "c2tpcDoxMA=="}),
        ("unknown", "get_integration_job_sync_status", {"integration_id": "unheard-of"}),
    ]
    server = str(CLIENTS / "braze-mcp-server" / "bin" / "braze-mcp-server")
    env = {"BRAZE_API_KEY": KEY, "BRAZE_BASE_URL": braze.url}
    told = run_client("braze-mcp-server", tmp_path, MCP, server, json.dumps(calls), **env)
    models = {name: answer.get("schema", {}).get("model_name") for name, answer in told.items()}
    assert models == {
        "list": "IntegrationsListResponse",
        "past": "JobSyncStatusResponse",
        "older": "JobSyncStatusResponse",
        "unknown": None,
    }
    listed = {one["integration_id"]: one for one in told["list"]["data"]["results"]}
    assert set(listed) == {"past", "users", "fails", "slow"}
    starts = [one["sync_start_time"] for name in ("past", "older") for one in told[name]["data"]["results"]]
    assert len(starts) == 20
    assert starts == sorted(starts, reverse=True)
    assert listed["past"]["last_job_start_time"] == starts[0]
    assert "404" in json.dumps(told["unknown"])
