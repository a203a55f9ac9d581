"""Each log entry is one line that begins alike, is bounded, and holds nothing that was not put there."""

import io
import json
import logging
import os
from collections.abc import Iterator

import pytest
from structlog.typing import FilteringBoundLogger

from exporter.log import FOREIGN_LINES_PER_MINUTE, FORMATS, LEVELS, ForeignLines, LogWriter, build_log


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
@pytest.mark.parametrize(
    "character", [*map(chr, (*range(32), *range(0x7F, 0xA0))), *"\u061c\u200e\u202e\u2067\u2069\ud800"]
)
def test_no_character_is_raw_that_could_deceive_a_reader(form: str, character: str, stream: io.StringIO) -> None:
    build_log("info", form, stream).info(f"said {character}", error=f"a {character} b", the_key=f"a{character}b")
    line = stream.getvalue().removesuffix("\n")
    assert line.isprintable()
    if form == "json":
        assert json.loads(line)["error"] == f"a {character} b"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text of it")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("more", [{"odd": Unprintable()}, {"a key": 1}, {"": 1}])
def test_a_value_that_has_no_text_costs_itself(form: str, more: dict[str, object], stream: io.StringIO) -> None:
    build_log("info", form, stream).info("look", **more)
    assert "look" in one_line(stream)


@pytest.mark.parametrize("form", FORMATS)
def test_a_text_without_an_end_is_cut(form: str, stream: io.StringIO) -> None:
    build_log("info", form, stream).info("said", error="x" * 100_000)
    assert len(one_line(stream)) < 5000


@pytest.mark.parametrize("form", FORMATS)
def test_a_traceback_is_one_line_without_the_values_of_variables(form: str, stream: io.StringIO) -> None:
    log_failure(build_log("info", form, stream), "a-secret")
    assert "ValueError: 8 characters" in one_line(stream)
    assert "a-secret" not in one_line(stream)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return the ends of a pipe, to read and to write; the test may close the first."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(writing)


def fill(fd: int) -> int:
    """Fill a pipe; return how many bytes it takes."""
    os.set_blocking(fd, False)
    filled = 0
    try:
        while True:
            filled += os.write(fd, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(fd, True)
    return filled


def test_lines_arrive_in_order_and_whole_before_the_log_closes(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with LogWriter(writing) as writer:
        for number in range(10):
            writer.write(f"{number}\n")
    assert os.read(reading, 100).decode().split() == [str(number) for number in range(10)]
    assert writer.dropped == 0
    os.close(reading)


def test_a_full_pipe_blocks_nobody_and_each_line_beyond_the_queue_is_counted(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    filled = fill(writing)
    with LogWriter(writing, capacity=10) as writer:
        for number in range(1000):
            writer.write(f"{number:04}\n")
        # The writer's thread may hold one line beside those in the queue.
        assert writer.dropped in (989, 990)
        os.read(reading, filled)
    assert os.read(reading, 1000).decode().split()[:10] == [f"{number:04}" for number in range(10)]
    os.close(reading)


def test_closing_does_not_wait_for_a_reader_that_never_reads(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    fill(writing)
    writer = LogWriter(writing)
    writer.write("lost\n")
    writer.close()
    assert writer.dropped == 1
    writer.write("too late\n")
    assert writer.dropped == 2
    os.close(reading)


def test_lines_that_nobody_reads_are_counted(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    with LogWriter(writing) as broken, LogWriter(None) as closed:
        broken.write("lost\n")
        closed.write("lost\n")
    assert (broken.dropped, closed.dropped) == (1, 1)


def test_a_line_longer_than_a_pipe_takes_at_once_arrives_whole(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with LogWriter(writing) as writer:
        writer.write("x" * 20_000 + "\n")
    assert os.read(reading, 30_000).decode() == "x" * 20_000 + "\n"
    os.close(reading)


class Foreign:
    """A logger of another library, whose lines go to a log of ours at a time that the test sets."""

    def __init__(self, stream: io.StringIO) -> None:
        self.seconds = 0.0
        self.writer = LogWriter(None)
        log = build_log("info", "json", stream)
        self.logger = logging.Logger("asyncio")  # noqa: LOG001 - not one that the process shares
        self.logger.addHandler(ForeignLines(log, self.writer, lambda: self.seconds))


def test_lines_of_other_libraries_have_our_form_and_their_name(stream: io.StringIO) -> None:
    foreign = Foreign(stream)
    try:
        fail_with("abc")
    except ValueError:
        foreign.logger.exception("%s\nfailed", "it")
    line = json.loads(one_line(stream))
    assert (line["level"], line["msg"], line["logger"]) == ("error", "it\nfailed", "asyncio")
    assert "ValueError: 3 characters" in line["exception"]


@pytest.mark.parametrize("level", [5, 25, 35, 60])
def test_a_level_that_only_others_know_is_the_nearest_of_ours(level: int, stream: io.StringIO) -> None:
    Foreign(stream).logger.log(level, "look")
    expected = {5: [], 25: ["info"], 35: ["warn"], 60: ["error"]}
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == expected[level]


def test_a_message_that_does_not_fit_its_arguments_is_written_as_it_is(stream: io.StringIO) -> None:
    Foreign(stream).logger.warning("%d of %s", "many")
    assert json.loads(one_line(stream))["msg"] == "%d of %s"


def test_a_flood_of_foreign_lines_is_cut_and_counted(stream: io.StringIO) -> None:
    foreign = Foreign(stream)
    for _ in range(14_000):
        foreign.logger.error("again")
    assert len(stream.getvalue().splitlines()) == FOREIGN_LINES_PER_MINUTE
    assert foreign.writer.dropped == 14_000 - FOREIGN_LINES_PER_MINUTE
    foreign.seconds = 60.0
    foreign.logger.error("and again")
    assert json.loads(stream.getvalue().splitlines()[-1])["suppressed"] == 14_000 - FOREIGN_LINES_PER_MINUTE
