"""What was learned comes back from the disk as it was, and what is damaged is refused."""

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.learned import Learned, learn_past
from exporter.domain.limits import LimitSettings, Sensitivity
from exporter.domain.past import Past, Run, to_sync
from exporter.domain.summary import Summary
from exporter.state.learned_codec import decode_learned, encode_learned
from tests.pasts import DAY, HOUR, after, every, failure, run

QUARTER = 15 * 60
ZONE = ZoneInfo("Europe/Berlin")


def learned_from(runs: list[Run]) -> Learned:
    return learn_past(Past.of(runs).runs, after(runs), Sensitivity.MEDIUM)


def tenth_lately(gap: int) -> Learned:
    runs = every(gap, 60)
    late = runs[-1].start - 2 * DAY
    normal = learned_from([run for run in runs if run.start < late]).normal
    fewer = [run._replace(rows_synced=(run.rows_synced or 0) // 10) if run.start >= late else run for run in runs]
    return replace(learn_past(fewer, after(runs), Sensitivity.MEDIUM), normal=normal)


@pytest.mark.parametrize(
    "learned",
    [
        Learned(rows_failed_at=datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        learned_from(every(QUARTER, 20)),
        learned_from(every(HOUR, 60)),
        learned_from(every(DAY, 60)),
        learned_from([*every(HOUR, 10)[:-3], *map(failure, range(3))][:200]),
        tenth_lately(HOUR),
    ],
    ids=["nothing", "quarters", "hours", "days", "failures", "few rows"],
)
def test_what_was_learned_gives_the_same_limits_when_it_comes_back(learned: Learned) -> None:
    back, basis = decode_learned(encode_learned(learned, "medium 90"), ZONE)
    assert basis == "medium 90"
    assert back.normal.zone is ZONE
    assert back.rows_failed_at == learned.rows_failed_at
    for one, other in zip(learned.trends, back.trends, strict=True):
        assert (other.problem, other.began_at, other.critical) == (one.problem, one.began_at, one.critical)
        assert (other.value, other.limit, other.usual) == pytest.approx((one.value, one.limit, one.usual), rel=1e-5)
    sync = to_sync(run(1_780_000_000))
    summary = Summary(sync, sync)
    expected = replace(learned, latest_good=None).limits(LimitSettings(), summary)
    found = replace(back, normal=replace(back.normal, zone=None)).limits(LimitSettings(), summary)
    for name in expected.__slots__:
        one, other = getattr(expected, name), getattr(found, name)
        assert (other.source, other.syncs) == (one.source, one.syncs)
        assert (other.value or 0) == pytest.approx(one.value or 0, rel=1e-4)


def packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value).encode())


WHOLE = json.loads(zlib.decompress(encode_learned(learned_from(every(HOUR, 60)), "b")))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zlib",
        encode_learned(Learned(), "b")[:-9],
        packed(3),
        packed([2, "b", [], None]),
        packed([1, *WHOLE[1:]]),
        packed([2, 7, *WHOLE[2:]]),
        packed([2, "b", WHOLE[2][:-1], [], None]),
        packed([2, "b", ["many", *WHOLE[2][1:]], [], None]),
        packed([2, "b", [*WHOLE[2][:5], [1, "x"], *WHOLE[2][6:]], [], None]),
        packed([2, "b", WHOLE[2], [["slow", "no moment", 1, 1, 1, False]], None]),
        packed([2, "b", WHOLE[2], [["slow", datetime(2026, 1, 1, tzinfo=UTC).isoformat(), "1", 1, 1, False]], None]),
        packed([2, "b", WHOLE[2], [], "yesterday"]),
        packed("x" * 2_000_000),
    ],
)
def test_what_is_damaged_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^what was learned is damaged: "):
        decode_learned(data)
