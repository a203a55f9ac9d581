"""The cursor inside a Link header, in Braze's odd documented form and in every hostile one."""

import re

import pytest

from exporter.braze.endpoints import Endpoint
from exporter.braze.link import BadLink, Cursor
from exporter.braze.wire import Response, build_request, decipher_next_cursor
from exporter.domain.errors import PayloadError

DOCUMENTED = (
    '</cdi/integrations/ID/job_sync_status?cursor=c2tpcDow>; rel="prev",'
    '</cdi/integrationsID/job_sync_status?cursor=c2tpcDoxMDA=>; rel="next"'
)


def cursor(link: str) -> Cursor | None:
    return decipher_next_cursor(Response(200, {"link": link}, b""))


def test_the_documented_form_verbatim() -> None:
    assert cursor(DOCUMENTED) == "c2tpcDoxMDA="


def test_without_a_link_this_is_the_last_page() -> None:
    assert decipher_next_cursor(Response(200, {}, b"")) is None


@pytest.mark.parametrize(
    "link",
    [
        *('</x?cursor=a>; rel="prev"', "<x>; rel=last, <y>; rel=first", "</x?cursor=a>", '<a rel="next">; rel="prev"'),
        *("", ";", "<>", "<", ">", "next", "<<>", '</x?cursor=a>; rel="nextish"', '</x?cursor=a>; norel="next"'),
        *("</x?cursor=a> next", '<</x?cursor=a>>; rel="prev"', '</x?cursor=a>; rel="prev"; title="next"'),
    ],
)
def test_a_link_that_names_no_next_page_stands_on_the_last_one(link: str) -> None:
    assert cursor(link) is None


@pytest.mark.parametrize(
    "link",
    [
        '</x?cursor=abc>; rel="next"',
        "</x?cursor=abc>;rel=next",
        "</x?cursor=abc> ; REL = 'NEXT'",
        '</x?cursor=abc>; title="b"; rel="next"',
        '</x?cursor=abc>; rel="last next"',
        '</x?cursor=abc>; title="one, two"; rel="next"',
        '</x?cursor=abc>; title="a \\" quote, <b>"; rel="next"',
        '</x?cursor=z>; title="a, b"; rel="prev",</x?cursor=abc>; rel="next"; title="c, d"',
        '</x?cursor=z>; rel="prev", </x?cursor=abc>; rel="next", </x?cursor=y>; rel="last"',
        '</x?a=1&cursor=abc&b=2>; rel="next"',
        '<?cursor=abc>; rel="next"',
        '<https://rest.elsewhere.example/x?cursor=abc>; rel="next"',
        '<//elsewhere.example/x?cursor=abc>; rel="next"',
    ],
)
def test_every_well_formed_link_gives_its_cursor_and_never_its_address(link: str) -> None:
    assert cursor(link) == "abc"


@pytest.mark.parametrize("text", ["a+b/c==", "a%2Bb%2Fc%3D%3D", "%E2%82%AC", "a%20b"])
def test_a_cursor_goes_back_to_braze_as_the_same_value(text: str) -> None:
    found = cursor(f'</x?cursor={text}>; rel="next"')
    assert found is not None
    again = cursor(f'</x?{build_request(Endpoint.JOB_SYNC_STATUS, "id", found).query}>; rel="next"')
    assert again == found


def test_a_cursor_may_be_as_long_as_four_thousand_characters() -> None:
    assert cursor("</x?cursor=" + "a" * 4096 + '>; rel="next"') == "a" * 4096


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        *((f'</x{query}>; rel="next"', "0 cursors, not one") for query in ("", "?cursor=", "?cursor", "?page=2")),
        *((f'<{target}>; rel="next"', "0 cursors, not one") for target in ("", "http://[x?cursor=a", "/x#cursor=a")),
        ("</x?" + "a=1&" * 50 + 'cursor=abc>; rel="next"', "0 cursors, not one"),
        ('</x?cursor=a&cursor=b>; rel="next"', "2 cursors, not one"),
        ("</x?cursor=" + "a" * 4097 + '>; rel="next"', "a cursor of 4097 characters"),
        ('</x?cursor=abc>; rel="next"' + " " * 20_000, "20053 characters"),
        *((link, "no address in <>") for link in ('rel="next"', '/x?cursor=a; rel="next"', "<x>, /x; REL = next")),
        *((f"</x?cursor=a>; rel={rel}", "no address in <>") for rel in ('"next', "'prev next")),
        ('</x?cursor=a; rel="next"', "no address in <>"),
    ],
)
def test_a_next_page_that_cannot_be_followed_is_not_the_end(link: str, wrong: str) -> None:
    found = cursor(f'</x?cursor=z>; rel="prev",{link}')
    assert isinstance(found, BadLink)
    for endpoint in Endpoint:
        with pytest.raises(PayloadError, match=re.escape(wrong)):
            build_request(endpoint, "id", found)


def test_a_next_page_that_is_named_twice_is_followed_where_it_can_be() -> None:
    assert cursor('</x?page=2>; rel="next", </x?cursor=abc>; rel="next"') == "abc"


def test_a_link_made_to_waste_time_is_read_quickly_enough_to_end() -> None:
    """Each would take hours if a pattern could be matched in exponentially many ways."""
    for link in (";rel=" * 4000, '<x>; rel="' + "nexx " * 4000, "<x>" + "; " * 8000, "<" * 16000, '<x>;rel="' * 2000):
        assert cursor(link[:16_384]) is None
    for link in ('<x>; rel="' + "next " * 4000, "<x>; rel=" + " " * 16000 + "next"):
        assert isinstance(cursor(link[:16_384]), BadLink)
