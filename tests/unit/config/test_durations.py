import pytest

from exporter.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("90s", 90),
        ("1m30s", 90),
        ("1h", 3600),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("500ms", 0.5),
        ("1m5ms", 60.005),
        ("1y2w3d4h5m6s7ms", 33_019_506.007),
        ("292y", 292 * 31_536_000),
    ],
)
def test_prometheus_durations_are_understood(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1",
        "-1s",
        "+1s",
        "1.5s",
        "1 m",
        " 1m",
        "1m ",
        "s",
        "1M",
        "30s1m",
        "1m1m",
        "1us",
        "1m\n",
        "\u0661s",
        "00",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not a duration$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["293y", "999999999999999999s", "999999999999999999y"])
def test_longer_than_prometheus_can_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is longer than 292 years$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.5, "500ms"),
        (60, "1m"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (864_000, "10d"),
        (604_800, "1w"),
        (31_536_000, "1y"),
        (31_622_400, "366d"),
    ],
)
def test_durations_are_written_as_prometheus_writes_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
