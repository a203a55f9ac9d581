"""
What a scraper gets, as it is and compressed by either compressor, after any history of changes and scrapes.

There are more integrations than two blocks of a column hold. The judges are a page that has been made of the last
state and nothing else, prometheus-client, and three who read gzip.
"""

import gzip
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import isal_zlib
from prometheus_client import CollectorRegistry, generate_latest

from exporter.domain.model import Integration, Sync, SyncStatus, Totals
from exporter.domain.view import View
from exporter.metrics.page import Exposition, Page
from exporter.metrics.pieces import BLOCK_SLOTS, Piece
from exporter.metrics.self_metrics import SelfMetrics
from exporter.web import compress
from tests.property.test_page_properties import Reference, about_integrations
from tests.snapshots import read_series

COUNT = 2 * BLOCK_SLOTS + 2
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SYNC = Sync(NOW - timedelta(hours=1), SyncStatus.SUCCESS, NOW - timedelta(minutes=50), rows_synced=5)

numbers = st.integers(0, COUNT - 1)
fields = st.fixed_dictionaries(
    {},
    optional={
        "up": st.none() | st.booleans(),
        "last_poll_at": st.none() | st.integers(0, 99).map(lambda seconds: NOW - timedelta(seconds=seconds)),
        "latest": st.none() | st.builds(replace, st.just(SYNC), job_status=st.sampled_from(SyncStatus)),
        "last_timestamp_synced": st.none() | st.integers(0, 10**12).map(lambda us: NOW - timedelta(microseconds=us)),
        "totals": st.none() | st.builds(Totals, rows_synced=st.integers(0, 10**12)),
        "stale_at": st.none() | st.integers(-2, 2).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    },
)
changes = st.dictionaries(numbers, fields | st.just("withdrawn"), max_size=20)
"""What happens between two scrapes: of some integrations fields change, or they are withdrawn."""
scrapes = st.sampled_from(["identity", "isal", "zlib"])
steps = st.lists(st.tuples(changes, scrapes, st.integers(-3, 3)), min_size=1, max_size=5)


def view(number: int) -> View:
    return View(Integration("w", f"{number:04}", f"name {number} é"), up=True, latest=SYNC, totals=Totals())


def sent(exposition: Exposition, how: str) -> bytes:
    """What a client has in the end."""
    if how == "identity":
        return b"".join(exposition.chunks)
    body = gzipped(exposition, how)
    read = gzip.decompress(body)
    stream = zlib.decompressobj(31)
    assert stream.decompress(body) == read == isal_zlib.decompress(body, 31)
    assert stream.eof
    assert stream.unused_data == b""
    return read


def gzipped(exposition: Exposition, how: str) -> bytes:
    module: ModuleType = {"isal": isal_zlib, "zlib": zlib}[how]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compress, "zlib", module)
        patch.setattr(compress, "_combine", getattr(module, "crc32_combine", None))
        return b"".join(compress.compress_pieces(exposition.pieces))


def about(text: bytes) -> list[bytes]:
    """The lines about integrations, sorted, as the order of integrations is free."""
    lines, own, _ = text.partition(b"# HELP braze_cdi_exporter_build_info")
    assert own
    return sorted(lines.splitlines())


def apply(page: Page, state: dict[int, View], changed: dict[int, dict[str, object] | str]) -> None:
    for number, change in changed.items():
        if isinstance(change, str):
            page.withdraw("w", f"{number:04}")
            state.pop(number, None)
        else:
            state[number] = replace(state.get(number, view(number)), **change)  # type: ignore[arg-type] # of any field
            page.publish(state[number])


@given(steps)
@settings(max_examples=25)
def test_every_scrape_has_the_state_of_its_moment_however_it_is_sent(
    history: list[tuple[dict[int, dict[str, object] | str], str, int]],
) -> None:
    page = Page(SelfMetrics())
    state = {number: view(number) for number in range(COUNT)}
    for one in state.values():
        page.publish(one)
    before = page.render(NOW, openmetrics=False)
    begun = about(sent(before, "isal"))
    for changed, how, minutes in history:
        apply(page, state, changed)
        now = NOW + timedelta(minutes=minutes)
        fresh = Page(SelfMetrics())
        for one in state.values():
            fresh.publish(one)
        exposition = page.render(now, openmetrics=False)
        whole = sent(exposition, how)
        assert len(whole) == exposition.length
        assert about(whole) == about(sent(fresh.render(now, openmetrics=False), "identity"))
    registry = CollectorRegistry()
    registry.register(Reference(list(state.values()), now))
    assert about_integrations(whole, openmetrics=False) == read_series(generate_latest(registry))
    assert about(sent(before, "identity")) == about(sent(before, "zlib")) == begun


def test_what_has_not_changed_is_not_compressed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[bytes] = []
    pack = compress._pack

    def noted(piece: Piece) -> object:
        packed.append(piece.data)
        return pack(piece)

    monkeypatch.setattr(compress, "_pack", noted)
    page = Page(SelfMetrics())
    for number in range(COUNT):
        page.publish(view(number))

    def names() -> list[bytes]:
        packed.clear()
        list(compress.compress_pieces(page.render(NOW, openmetrics=False).pieces))
        return [data.partition(b"{")[0] for data in packed if not data.startswith(b"#")]

    assert names().count(b"braze_cdi_up") == 3
    page.publish(replace(view(70), up=False))
    assert names() == [b"braze_cdi_up"]
    assert names() == []
