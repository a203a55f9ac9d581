"""The key goes to the configured origin and nowhere else, whatever an answer or the environment suggests."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import peek
from tests.e2e.worlds import write_config

REDIRECTS = (301, 302, 303, 307, 308)
PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
KEY = "5f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
RECORD = {
    "job_status": "success",
    "sync_start_time": "2026-01-01T00:00:00Z",
    "sync_finish_time": "2026-01-01T00:05:00Z",
}


class Recorder:
    """A server that answers everything in one way, and keeps what it was asked."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        asked: list[tuple[str, str | None]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_CONNECT = do_GET  # noqa: N815 - the base class looks for these names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def recording(status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"") -> Iterator[Recorder]:
    recorder = Recorder(status, headers or {}, body)
    thread = threading.Thread(target=recorder.server.serve_forever)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.server.shutdown()
        thread.join()
        recorder.server.server_close()


def watch(directory: Path, *urls: str) -> None:
    """Configure a workspace for each origin."""
    more = {"api_key": KEY, "integrations": [{"id": "one"}]}
    write_config(directory, [{"name": url, "rest_endpoint": url, **more} for url in urls])


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    with recording() as stranger, ExitStack() as stack:
        elsewhere = {"Location": f"{stranger.url}/cdi/integrations/one/job_sync_status"}
        brazes = [stack.enter_context(recording(status, elsewhere)) for status in REDIRECTS]
        watch(tmp_path, *(braze.url for braze in brazes))
        with Daemon(tmp_path) as daemon:
            wait_for("all told to go elsewhere", lambda: peek(daemon.port, "braze_cdi_up") == [0] * len(REDIRECTS))
        for braze in brazes:
            assert ("/cdi/integrations/one/job_sync_status", f"Bearer {KEY}") in braze.asked
        assert stranger.asked == []


def test_a_link_to_another_host_gives_its_cursor_and_no_more(tmp_path: Path) -> None:
    body = json.dumps({"results": [{**RECORD, "job_status": "error"}], "message": "success"}).encode()
    with recording() as stranger:
        link = {"Link": f'<{stranger.url}/cdi/integrations/one/job_sync_status?cursor=c2tpcDoxMA==>; rel="next"'}
        with recording(200, link, body) as braze:
            watch(tmp_path, braze.url)
            with Daemon(tmp_path) as daemon:
                wait_for("the second page was asked for", lambda: any("cursor=" in path for path, _ in braze.asked))
                wait_for("it has been polled", lambda: peek(daemon.port, "braze_cdi_up"))
            assert {key for _, key in braze.asked} == {f"Bearer {KEY}"}
            assert stranger.asked == []


def test_a_proxy_of_the_environment_does_not_see_what_stays_on_this_machine(tmp_path: Path) -> None:
    body = json.dumps({"results": [RECORD], "message": "success"}).encode()
    with recording() as stranger, recording(200, {}, body) as braze:
        proxies = dict.fromkeys(PROXIES, stranger.url)
        watch(tmp_path, braze.url)
        with Daemon(tmp_path, env=proxies) as daemon:
            wait_for("it has been polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        assert stranger.asked == []
