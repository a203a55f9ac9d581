"""Each log entry is one line that begins alike, is bounded, and holds nothing that was not put there."""

import io
import json

import pytest
from structlog.typing import FilteringBoundLogger

from exporter.log import FORMATS, LEVELS, build_log


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def one_line(stream: io.StringIO) -> str:
    (line,) = stream.getvalue().splitlines()
    return line


def fail_with(key: str) -> None:
    raise ValueError(f"{len(key)} characters")


def log_failure(log: FilteringBoundLogger, key: str) -> None:
    try:
        fail_with(key)
    except ValueError:
        log.exception("it failed")


def test_json_begins_with_time_level_and_message(stream: io.StringIO) -> None:
    build_log("info", "json", stream).bind(a=1).warning("look", b=2)
    assert list(json.loads(one_line(stream))) == ["ts", "level", "msg", "a", "b"]


def test_logfmt_begins_with_time_level_and_message(stream: io.StringIO) -> None:
    build_log("info", "logfmt", stream).bind(a=1).warning("look here", b="x y")
    time, _, rest = one_line(stream).partition(" ")
    assert time.startswith("ts=2")
    assert rest == 'level=warn msg="look here" a=1 b="x y"'


@pytest.mark.parametrize("level", list(LEVELS))
def test_what_matters_less_than_the_level_is_not_written(level: str, stream: io.StringIO) -> None:
    log = build_log(level, "logfmt", stream)
    for say in (log.debug, log.info, log.warning, log.error):
        say("something")
    assert len(stream.getvalue().splitlines()) == 4 - list(LEVELS).index(level)


@pytest.mark.parametrize("form", FORMATS)
def test_what_braze_said_cannot_begin_a_line_or_colour_a_terminal(form: str, stream: io.StringIO) -> None:
    build_log("info", form, stream).info("said", error="a\nlevel=error\r\x1b[31m\x85\u2028\u2029\0 b")
    assert "\x1b" not in one_line(stream)


@pytest.mark.parametrize("form", FORMATS)
def test_a_text_without_an_end_is_cut(form: str, stream: io.StringIO) -> None:
    build_log("info", form, stream).info("said", error="x" * 100_000)
    assert len(one_line(stream)) < 5000


@pytest.mark.parametrize("form", FORMATS)
def test_a_traceback_is_one_line_without_the_values_of_variables(form: str, stream: io.StringIO) -> None:
    log_failure(build_log("info", form, stream), "a-secret")
    assert "ValueError: 8 characters" in one_line(stream)
    assert "a-secret" not in one_line(stream)
