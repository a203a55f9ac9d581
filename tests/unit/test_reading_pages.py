"""The reader of text pages that remembers lines takes no more than prometheus-client's parser does."""

import pytest

from tests.snapshots import read_families, read_series, series_of

PAGE = """# HELP b_total Help with \\\\ and "quotes".
# TYPE b_total counter
b_total{x="a \\"b\\" \\\\ } , c",y="1"} 1.5e3
b_total{x="\N{LINE SEPARATOR}#"} 0
# HELP a Help.
# TYPE a gauge
a -Inf
"""


def test_it_reads_what_the_parser_reads() -> None:
    page = PAGE.encode()
    expected = series_of(read_families(page, openmetrics=False))
    assert len(expected) == 3
    assert read_series(page) == read_series(page) == expected


@pytest.mark.parametrize(
    "damaged",
    [
        PAGE.replace("# TYPE a gauge", "# TYPE a"),
        PAGE.replace("# TYPE a gauge", "# TYPE a-b gauge"),
        PAGE.replace("a -Inf", "a- 1"),
        PAGE.replace("a -Inf", "a one"),
        PAGE.replace("a -Inf", "a 1_0"),
        PAGE.replace("a -Inf", "a"),
        PAGE.replace('y="1"', 'y=1"'),
        PAGE + "a 2\n",
    ],
)
def test_it_refuses_what_the_parser_refuses(damaged: str) -> None:
    for read in (read_series, lambda page: series_of(read_families(page, openmetrics=False))):
        with pytest.raises((AssertionError, ValueError)):
            read(damaged.encode())


def test_it_refuses_a_timestamp_which_no_page_of_ours_has() -> None:
    with pytest.raises(AssertionError):
        read_series(PAGE.replace("a -Inf", "a 1 1700000000").encode())
