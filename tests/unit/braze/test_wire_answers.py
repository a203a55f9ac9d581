"""What an answer means: its JSON or the error it stands for, and what its rate headers say."""

import json

import pytest

from exporter.braze.wire import RateHeaders, Response, decipher_body, decipher_rate_headers
from exporter.domain.errors import (
    AuthError,
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    PayloadError,
    PollError,
    RateLimitedError,
    ServerError,
)


def answer(body: bytes, status: int = 200, /, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def error_of(response: Response) -> PollError:
    with pytest.raises(PollError) as caught:
        decipher_body(response)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 500
    return caught.value


def test_a_good_answer_gives_its_json() -> None:
    assert decipher_body(answer(b'{"results": []}')) == {"results": []}


def test_numbers_without_bounds_cost_their_field_and_not_the_page() -> None:
    body = decipher_body(answer(b'{"a": ' + b"9" * 100_000 + b', "b": 7, "c": 1e999, "d": NaN}'))
    assert body["a"] == float("inf")
    assert body["b"] == 7


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((201, PayloadError), (202, ServerError), (204, PayloadError)),
        *((301, BadRequestError), (302, BadRequestError), (307, BadRequestError), (399, BadRequestError)),
        *(
            (400, BadRequestError),
            (401, AuthError),
            (403, ForbiddenError),
            (404, NotFoundError),
            (405, BadRequestError),
        ),
        *((418, BadRequestError), (429, RateLimitedError), (500, ServerError), (502, ServerError), (599, ServerError)),
    ],
)
def test_every_status_but_200_is_the_error_it_stands_for(status: int, kind: type[PollError]) -> None:
    error = error_of(answer(b'{"results": []}', status))
    assert type(error) is kind
    assert str(status) in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b'{"results": [', b'{"message": "\xff\xfe"}', b"[" * 100_000, b"{]", b"\x00\x01"]
)
def test_a_body_that_is_no_json_is_a_payload_error(body: bytes) -> None:
    error = error_of(answer(body, content_type="text/html"))
    assert type(error) is PayloadError
    assert "text/html" in str(error)


def test_what_braze_says_of_an_error_is_quoted_in_one_bounded_line() -> None:
    said = "Invalid cursor\r\n\x1b[31m" + "x" * 1000
    text = str(error_of(answer(json.dumps({"message": said}).encode(), 400)))
    assert "Invalid cursor" in text
    assert "the pages are read again at the next poll" in text
    assert "integration id" not in text
    assert len(text) < 300


@pytest.mark.parametrize(
    "body", [b"<html>secret page</html>", b'{"message": 7}', b"[1]", b'{"message": ""}', b'"secret"']
)
def test_what_is_no_message_of_braze_is_not_quoted(body: bytes) -> None:
    text = str(error_of(answer(body, 500)))
    assert "secret" not in text
    assert "(" not in text.split(":", maxsplit=1)[0]


def test_a_content_type_is_quoted_clean_and_short() -> None:
    text = str(error_of(answer(b"x", content_type="text/\x1b[31mhtml" + "y" * 500)))
    assert "text/[31mhtml" in text


def test_rate_headers_as_documented() -> None:
    said = decipher_rate_headers(
        answer(b"", x_ratelimit_limit="100", x_ratelimit_remaining="99", x_ratelimit_reset="1767225600")
    )
    assert said == RateHeaders(100, 99, 1767225600.0, None)


def test_the_wait_that_braze_names_wins_over_the_one_a_proxy_names() -> None:
    said = decipher_rate_headers(answer(b"", retry_after="99", x_ratelimit_retry_after="7"))
    assert said.retry_after_seconds == 7.0
    assert decipher_rate_headers(answer(b"", retry_after="99")).retry_after_seconds == 99.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "many",
        "1.5",
        "1e3",
        "0x10",
        "١٢",
        "1" * 16,
        "1,000",
        "Wed, 21 Oct 2026 07:28:00 GMT",
        "+5",
        "NaN",
        "1\x1c1",
    ],
)
def test_a_header_that_is_no_whole_number_says_nothing(text: str) -> None:
    headers = ("x_ratelimit_limit", "x_ratelimit_remaining", "x_ratelimit_reset", "x_ratelimit_retry_after")
    assert decipher_rate_headers(answer(b"", 200, **dict.fromkeys(headers, text))) == RateHeaders()


@pytest.mark.parametrize("reset", ["0", "4000000000", "32503680000"])
def test_a_reset_out_of_all_time_says_nothing(reset: str) -> None:
    assert decipher_rate_headers(answer(b"", x_ratelimit_reset=reset)).reset_at_seconds is None


@pytest.mark.parametrize("text", [" 7 ", "\x1c7", "\x857"])
def test_whatever_white_space_surrounds_a_number_is_no_part_of_it(text: str) -> None:
    assert decipher_rate_headers(answer(b"", x_ratelimit_limit=text)).limit == 7
