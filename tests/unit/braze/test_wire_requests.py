"""Which requests are built, and for which ids none is."""

import pytest

from exporter.braze.endpoints import Endpoint
from exporter.braze.wire import build_request
from exporter.domain.errors import BadRequestError

JOBS, LIST = Endpoint.JOB_SYNC_STATUS, Endpoint.INTEGRATIONS
UUID = "00000000-0000-0000-0000-000000000000"


def test_the_first_page_of_an_integration_is_asked_for_without_a_query() -> None:
    request = build_request(JOBS, UUID)
    assert request.endpoint is JOBS
    assert (request.path, request.query) == (f"/cdi/integrations/{UUID}/job_sync_status", "")


def test_the_list_has_a_path_of_its_own() -> None:
    request = build_request(LIST)
    assert (request.endpoint, request.path, request.query) == (LIST, "/cdi/integrations", "")


@pytest.mark.parametrize(
    ("cursor", "query"),
    [
        ("c2tpcDoxMDA=", "cursor=c2tpcDoxMDA%3D"),
        ("a b+c", "cursor=a+b%2Bc"),
        ("x&key=1#?/", "cursor=x%26key%3D1%23%3F%2F"),
    ],
)
def test_a_cursor_is_escaped_so_that_it_is_nothing_but_a_cursor(cursor: str, query: str) -> None:
    assert build_request(JOBS, UUID, cursor).query == query
    assert build_request(LIST, cursor=cursor).query == query


@pytest.mark.parametrize("integration_id", [UUID, "a", "A.b_c~d-9", "x" * 128])
def test_an_id_of_one_path_segment_is_asked_for(integration_id: str) -> None:
    assert build_request(JOBS, integration_id).path.split("/")[3] == integration_id


@pytest.mark.parametrize(
    "integration_id",
    [
        *("", ".", "..", "../x", "a/b", "a\\b", "a?b", "a#b", "a%2fb", "a b", " a", "a\n", "a\r\nHost: b", "a\x00"),
        *("//host", "ä", "x" * 129, "-a", "@host"),
    ],
)
def test_any_other_id_is_not_asked_for_and_the_error_says_so_in_a_short_clean_line(integration_id: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        build_request(JOBS, integration_id)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
