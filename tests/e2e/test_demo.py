"""`demo` shows the exporter at work without any set-up, says where to look, and leaves nothing behind."""

import re
import subprocess
from pathlib import Path

from tests.e2e.command import COMMAND, PATIENCE_SECONDS, STOP_SECONDS, Daemon, environment, files, wait_for
from tests.e2e.scraping import ask, peek, scrape

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)(/\S*)")


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def test_the_demo_shows_where_to_look_and_ends_without_a_trace(tmp_path: Path) -> None:
    with Daemon(tmp_path, "demo") as demo:
        wait_for("it says where to look", lambda: len(_ADDRESS.findall(demo.stdout)) == 3)
        addresses = _ADDRESS.findall(demo.stdout)
        assert addresses == [(str(demo.port), path) for path in ("/", "/metrics", "/api/v1/status")]
        wait_for("all were polled", lambda: peek(demo.port, "braze_cdi_up") == [1] * 22)
        assert {ask(demo.port, path).status for _, path in addresses} == {200}
        assert ask(demo.port, "/-/ready").status == 200
        states = {
            dict(labels)["status"]
            for (name, labels), value in scrape(demo.port).items()
            if name == "braze_cdi_last_sync_status" and value == 1
        }
        assert {"success", "running", "config_error"} <= states
        assert children(demo.pid) == ""

        began = sum(peek(demo.port, "braze_cdi_syncs_total"))
        wait_for("the page moves", lambda: sum(peek(demo.port, "braze_cdi_syncs_total")) > began)
        code, seconds = demo.stop()
        assert (code, seconds < STOP_SECONDS) == (0, True)
    assert files(tmp_path) == ["stderr", "stdout"]
    assert "level=error" not in demo.stderr
    assert "Traceback" not in demo.stderr


def test_the_greeting_is_one_block_above_the_log(tmp_path: Path) -> None:
    """As a terminal shows it, where standard output and standard error are one."""
    terminal = tmp_path / "terminal"
    call = [*COMMAND, "demo", "--web.listen-address", "127.0.0.1:0"]
    with (
        terminal.open("wb") as both,
        subprocess.Popen(call, cwd=tmp_path, env=environment(tmp_path), stdout=both, stderr=subprocess.STDOUT) as demo,
    ):
        try:
            wait_for("it has started", lambda: "msg=started" in terminal.read_text())
        finally:
            demo.terminate()
            demo.wait(PATIENCE_SECONDS)
    greeting, log = terminal.read_text().split("Stop with Ctrl-C.\n\n")
    assert "level=" not in greeting
    assert len(_ADDRESS.findall(greeting)) == 3
    told = [line.split("msg=")[1] for line in log.splitlines() if "reading the history" not in line]
    assert [words.split()[0] for words in (*told[:2], told[-1])] == ["listening", "started", "stopped"]
    assert not any("level=error" in line for line in log.splitlines())
