import asyncio
import gzip
import json
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.types import Message

from exporter.metrics.page import OPENMETRICS_CONTENT_TYPE, TEXT_CONTENT_TYPE
from exporter.metrics.pieces import CHUNK_BYTES
from tests.unit.web.applications import Sources, call

ONE = ("/integrations/production/abc", "/api/v1/integrations/production/abc")
PATHS = ("/", "/metrics", "/api/v1/status", "/api/v1/schema", *ONE, "/config", "/-/healthy", "/-/ready")


def big_chunks(count: int = 40) -> list[bytes]:
    numbers = random.Random(7)
    return [b"metric %d\n" % numbers.randrange(10**9) * 900 for _ in range(count)]  # 700 kB


def test_metrics_are_text_by_default_and_whole() -> None:
    answer = call(Sources(), "GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TEXT_CONTENT_TYPE
    assert answer.headers["content-length"] == "17"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert "content-encoding" not in answer.headers
    assert answer.content == b"first 1\nsecond 2\n"


def test_metrics_are_openmetrics_on_demand() -> None:
    answer = call(Sources(), "GET", "/metrics", accept="application/openmetrics-text")
    assert answer.headers["content-type"] == OPENMETRICS_CONTENT_TYPE
    assert answer.content == b"first 1\nsecond 2\n# EOF\n"


@pytest.mark.parametrize("chunks", [[b"small 1\n"], big_chunks(), []])
def test_compressed_metrics_hold_the_same_bytes(chunks: list[bytes]) -> None:
    answer = call(Sources(chunks), "GET", "/metrics", accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == b"".join(chunks)


def test_compressed_metrics_are_one_gzip_stream_that_other_readers_open() -> None:
    messages = raw_scrape(Sources(big_chunks()), "GET", b"gzip")
    assert gzip.decompress(b"".join(message["body"] for message in messages[1:])) == b"".join(big_chunks())


def test_uncompressed_metrics_are_sent_chunk_by_chunk() -> None:
    bodies = [message["body"] for message in raw_scrape(Sources(big_chunks()), "GET", b"identity")[1:]]
    assert b"".join(bodies) == b"".join(big_chunks())
    assert bodies[-1] == b""
    assert len(bodies) > 3
    assert max(map(len, bodies)) < 2 * CHUNK_BYTES


def test_head_of_metrics_makes_no_page() -> None:
    sources = Sources(big_chunks())
    messages = raw_scrape(sources, "HEAD", b"gzip")
    assert [message.get("body") for message in messages] == [None, b""]
    assert sources.chunks_made == 0


def raw_scrape(
    sources: Sources,
    method: str,
    encoding: bytes,
    gone_after: int | None = None,
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> list[Message]:
    """The ASGI messages of one scrape whose client disconnects after *gone_after* of them; *beside* runs meanwhile."""
    messages: list[Message] = []

    async def ask() -> None:
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(message)
            if len(messages) == gone_after:
                gone.set()

        scope = {
            "type": "http",
            "method": method,
            "path": "/metrics",
            "query_string": b"",
            "headers": [(b"accept-encoding", encoding)],
        }
        others = asyncio.create_task(beside()) if beside else None
        await sources.build()(scope, receive, send)
        if others:
            others.cancel()

    asyncio.run(ask())
    return messages


@pytest.mark.parametrize("encoding", [b"identity", b"gzip"])
def test_a_client_that_has_gone_is_sent_nothing_more(encoding: bytes) -> None:
    sources = Sources([random.Random(7).randbytes(1024 * 1024)] * 100)
    raw_scrape(sources, "GET", encoding, gone_after=3)
    assert sources.chunks_made < 20


@pytest.mark.parametrize("encoding", [b"identity", b"gzip"])
def test_a_large_page_leaves_turns_to_others_but_does_not_wait_for_them_at_each_piece(encoding: bytes) -> None:
    sources = Sources([bytes(1024 * 1024)] * 48)
    turns: list[int] = []

    async def others() -> None:
        while True:
            turns.append(sources.chunks_made)
            await asyncio.sleep(0)

    raw_scrape(sources, "GET", encoding, beside=others)
    between = [made for made in turns if 0 < made < 48]
    assert 3 <= len(set(between)) <= 12


def test_telemetry_path_can_be_chosen() -> None:
    assert call(Sources(), "GET", "/deep/er", telemetry_path="/deep/er").content == b"first 1\nsecond 2\n"
    assert call(Sources(), "GET", "/metrics", telemetry_path="/deep/er").status_code == 404
    assert call(Sources(), "GET", "/.well/...", telemetry_path="/.well/...").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "metrics", "/a b", "/{x}", "/metrics/", "/.", "/a/../b", "/./a", "/a/.."),
        *("/-/ready", "/api/v1/status", "/config", "/integrations/w/i", "/api/v1/integrations/w/i"),
    ],
)
def test_a_telemetry_path_that_is_no_path_or_is_taken_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="telemetry path"):
        Sources().build(path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_has_the_headers_of_get(path: str, encoding: str) -> None:
    got = call(Sources(), "GET", path, accept_encoding=encoding)
    head = call(Sources(), "HEAD", path, accept_encoding=encoding)
    assert head.status_code == got.status_code == 200
    assert dict(head.headers) == dict(got.headers)
    assert "content-length" in got.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused_with_those_that_work(path: str, method: str) -> None:
    answer = call(Sources(), method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/nope", "/metrics/", "/metric", "/-/", "/-/reload/", "/api/v1"])
def test_any_other_path_is_404_and_names_those_there_are(path: str) -> None:
    answer = call(Sources(), "GET", path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert [line.strip() for line in answer.text.splitlines()[1:]] == [
        path.replace("production/abc", "{workspace}/{id}") for path in (*PATHS, "/-/reload")
    ]


@pytest.mark.parametrize(("path", "word"), [("/-/healthy", "healthy"), ("/-/ready", "ready")])
def test_probes_answer_200_while_there_is_no_reason_against(path: str, word: str) -> None:
    answer = call(Sources(), "GET", path)
    assert (answer.status_code, answer.text) == (200, f"{word}\n")


def test_probes_answer_503_with_a_reason_a_line() -> None:
    sources = Sources(unhealthy=("loop of a has died", "loop of b hangs"), unready=("production",))
    healthy, ready = call(sources, "GET", "/-/healthy"), call(sources, "GET", "/-/ready")
    assert (healthy.status_code, healthy.text) == (503, "loop of a has died\nloop of b hangs\n")
    assert (ready.status_code, ready.text) == (503, "production\n")


def test_a_defect_is_logged_once_and_answered_without_its_text() -> None:
    def fail() -> Any:
        raise RuntimeError("inner secret")

    sources = Sources(status=fail)
    sources.config = fail
    for path in ("/", "/api/v1/status", "/config"):
        answer = call(sources, "GET", path)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert "inner secret" not in answer.text
        assert "Traceback" not in answer.text
    assert [(one.kwargs["path"], str(one.kwargs["exc_info"])) for one in sources.log.calls] == [
        ("/", "inner secret"),
        ("/api/v1/status", "inner secret"),
        ("/config", "inner secret"),
    ]


@pytest.mark.parametrize("path", [*PATHS, "/nope"])
def test_every_answer_forbids_guessing_its_type_and_keeping_it(path: str) -> None:
    headers = call(Sources(), "GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_status_is_json_as_ascii() -> None:
    answer = call(Sources(), "GET", "/api/v1/status")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content.isascii()
    document = json.loads(answer.content)
    assert document["integration_count"] == 17
    assert document["problem_count"] == 11
    assert [workspace["name"] for workspace in document["workspaces"]] == ["production", "staging"]


def test_configuration_is_yaml_as_utf8() -> None:
    answer = call(Sources(config=lambda: "name: Zoë \ud800\n"), "GET", "/config")
    assert answer.headers["content-type"] == "text/yaml; charset=utf-8"
    assert answer.content == "name: Zoë ?\n".encode()


def test_configuration_is_the_one_that_runs_now() -> None:
    sources = Sources(config=iter(("first\n", "second\n")).__next__)
    assert [call(sources, "GET", "/config").text for _ in range(2)] == ["first\n", "second\n"]
