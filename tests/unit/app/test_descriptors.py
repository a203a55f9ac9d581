"""Descriptors are shared out so that files, a scraper and every workspace have some, and no more than there are."""

import sys

import pytest

from exporter.app.descriptors import Shares, share_out


@pytest.mark.parametrize(
    ("descriptors", "workspaces", "shares"),
    [
        (24, 1, Shares(visitors=4, requests=3, requests_each=3, kept_each=1, polls_each=10)),
        (64, 111, Shares(visitors=4, requests=44, requests_each=1, kept_each=0, polls_each=1)),
        (1024, 1, Shares(visitors=256, requests=748, requests_each=16, kept_each=4, polls_each=10)),
        (1024, 111, Shares(visitors=256, requests=641, requests_each=5, kept_each=1, polls_each=1)),
        (4096, 0, Shares(visitors=256, requests=3820, requests_each=16, kept_each=4, polls_each=10)),
        (8, 1, Shares(visitors=4, requests=1, requests_each=1, kept_each=0, polls_each=10)),
    ],
)
def test_shares(descriptors: int, workspaces: int, shares: Shares) -> None:
    assert share_out(descriptors, workspaces) == shares


@pytest.mark.parametrize("workspaces", [1, 2, 10, 111, 1000])
def test_shares_fit_and_nobody_goes_empty_handed(workspaces: int) -> None:
    for descriptors in (*range(24, 300), 1024, 4096, 524_288, sys.maxsize):
        shares = share_out(descriptors, workspaces)
        assert shares.visitors + shares.requests + shares.kept_each * workspaces <= descriptors - 16
        assert min(shares.visitors, shares.requests, shares.requests_each) >= 1
        if shares.requests >= workspaces:
            assert shares.requests_each * workspaces <= shares.requests
