"""The demo's pages in a real browser: whole, styled, and without a word on its console."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.e2e.browser import first_pixel, open_page

BACKGROUND = (0xF7, 0xF7, 0xF5)
"""`--page` of status.css in the light scheme."""


class Page(HTMLParser):
    """Texts by element, and how many elements there are of each kind."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.counts: dict[str, int] = {}
        self.links: set[str] = set()
        self.links_of: dict[str, str] = {}
        """By the link's text."""
        self._link = ""
        self._inside: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self._inside.append(tag)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.links |= {attributes.get("href") or ""}
        self._link = (attributes.get("href") or "") if tag == "a" else self._link

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "a" in self._inside:
            self.links_of[data] = self._link
        for tag in self._inside:
            self.texts.setdefault(tag, []).append(data)

    def text(self, tag: str) -> str:
        return " ".join(" ".join(self.texts.get(tag, [])).split())


@pytest.mark.parametrize("query", ["", "?refresh=60&only=problems&q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"])
def test_browser_has_nothing_to_say_against_the_status_page(demo: str, query: str, tmp_path: Path) -> None:
    assert open_page(f"{demo}{query}", tmp_path).console == []


def test_browser_would_tell_what_the_policy_of_a_page_stops(tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
        "<p style='color: red'>red</p><script>alert(1)</script>"
    )
    told = open_page(bad.as_uri(), tmp_path).console
    assert ["inline style" in told[0], "inline script" in told[1]] == [True, True]


def test_status_page_shows_every_integration_of_the_demo(demo: str, tmp_path: Path) -> None:
    page = Page(open_page(f"{demo}", tmp_path).dom)
    assert page.counts["tbody"] == 22
    assert page.text("h1").endswith("of 22 integrations need attention")
    assert {"metrics", "api/v1/status", "config", "-/healthy", "-/ready"} <= page.links
    shown = page.text("main")
    for words in ("production", "marketing-eu", "users_daily_profile", "config error", "sync expected", "paused"):
        assert words in shown


def test_each_integration_has_a_page_with_its_past_in_pictures(demo: str, tmp_path: Path) -> None:
    front = Page(open_page(f"{demo}", tmp_path).dom)
    assert len({link for link in front.links if link.startswith("integrations/")}) == 22
    users = front.links_of["users_daily_profile"]
    opened = open_page(f"{demo}{users}?days=7", tmp_path)
    assert opened.console == []
    page = Page(opened.dom)
    assert "Rows synced" in page.text("figcaption")
    assert page.counts["figure"] >= 4
    assert page.counts["path"] > page.counts["figure"]
    assert "the list is read every interval" in page.text("table")


def test_status_page_has_its_style(demo: str, tmp_path: Path) -> None:
    assert first_pixel(f"{demo}", tmp_path) == BACKGROUND


def test_configuration_is_shown_and_not_downloaded(demo: str, tmp_path: Path) -> None:
    opened = open_page(f"{demo}config", tmp_path)
    assert opened.console == []
    assert "- name: production" in Page(opened.dom).text("pre")
    assert "key-of" not in opened.dom
