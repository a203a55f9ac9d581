"""The cursor inside a Link header, in Braze's odd documented form and in every hostile one."""

import pytest

from exporter.braze.wire import Response, build_job_sync_status, decipher_next_cursor

DOCUMENTED = (
    '</cdi/integrations/ID/job_sync_status?cursor=c2tpcDow>; rel="prev",'
    '</cdi/integrationsID/job_sync_status?cursor=c2tpcDoxMDA=>; rel="next"'
)


def cursor(link: str) -> str | None:
    return decipher_next_cursor(Response(200, {"link": link}, b""))


def test_the_documented_form_verbatim() -> None:
    assert cursor(DOCUMENTED) == "c2tpcDoxMDA="


def test_without_a_link_this_is_the_last_page() -> None:
    assert decipher_next_cursor(Response(200, {}, b"")) is None


def test_a_link_without_a_next_target_is_the_last_page() -> None:
    assert cursor('</x?cursor=a>; rel="prev"') is None


@pytest.mark.parametrize(
    "link",
    [
        '</x?cursor=abc>; rel="next"',
        "</x?cursor=abc>;rel=next",
        "</x?cursor=abc> ; REL = 'NEXT'",
        '</x?cursor=abc>; title="b"; rel="next"',
        '</x?cursor=abc>; rel="last next"',
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
    again = cursor(f'</x?{build_job_sync_status("id", found).query}>; rel="next"')
    assert again == found


@pytest.mark.parametrize(
    "link",
    [
        *("", ";", "<>", "<", ">", "next", 'rel="next"', "<<>", '<>; rel="next"', '</x>; rel="next"'),
        *('</x?cursor=>; rel="next"', '</x?cursor>; rel="next"', '</x?cursor=a&cursor=b>; rel="next"'),
        *('</x?cursor=abc>; rel="nextish"', '</x?cursor=abc>; norel="next"', "</x?cursor=abc>", "</x?cursor=abc> next"),
        *('<http://[x?cursor=abc>; rel="next"', '</x#cursor=abc>; rel="next"'),
        *("</x?cursor=" + "a" * 513 + '>; rel="next"', "</x?" + "a=1&" * 50 + 'cursor=abc>; rel="next"'),
        '</x?cursor=abc>; rel="next"' + " " * 5000,
        '<</x?cursor=abc>>; rel="prev"',
    ],
)
def test_a_link_that_makes_no_sense_gives_no_cursor(link: str) -> None:
    assert cursor(link) is None


def test_a_link_made_to_waste_time_is_read_quickly_enough_to_end() -> None:
    """Each would take hours if a pattern could be matched in exponentially many ways."""
    for link in (";rel=" * 800, '<x>; rel="' + "next " * 800, "<x>" + "; " * 2000, "<" * 4000, '<x>;rel="' * 450):
        assert cursor(link[:4096]) is None
