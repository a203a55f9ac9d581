"""Without the extra `isal`, zlib of the standard library compresses the page: same stream, no other difference."""

import subprocess
import sys
import zlib

import pytest

from exporter.web import compress
from tests.unit.web.applications import Sources, call

CHUNKS = [[b"small 1\n"], [b"metric %d\n" % number * 900 for number in range(400)], []]


@pytest.mark.parametrize("chunks", CHUNKS, ids=["at once", "in pieces", "nothing"])
def test_zlib_in_its_place_gives_the_same_page(chunks: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compress, "zlib", zlib)
    monkeypatch.setattr(compress, "_combine", None)
    answer = call(Sources(chunks), "GET", "/metrics", accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == b"".join(chunks)


@pytest.mark.parametrize(("hide", "expected"), [("", "isal_zlib"), ("sys.modules['isal'] = None", "zlib")])
def test_isal_is_used_where_it_is_installed_and_not_needed_where_it_is_not(hide: str, expected: str) -> None:
    program = f"import sys\n{hide}\nfrom exporter.web.compress import zlib\nprint(zlib.__name__)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.strip().endswith(expected)
    assert run.stdout.strip().startswith("isal") is (not hide)
