"""Walks through the demo's pages in a real browser: by mouse and keyboard, on a phone, and judged by axe-core."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from exporter.web.advice import FIRST_STEPS
from tests.components import component, leave_out
from tests.e2e.command import environment
from tools.chromium import Browser

AXE = Path(__file__).resolve().parents[2] / ".tools/grafana-schema/node_modules/axe-core/axe.min.js"
MOST_TABS = 40
"""Links of the header, the form, and the first of what needs attention."""


@pytest.fixture(scope="module")
def browser(demo: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    directory = tmp_path_factory.mktemp("browser")
    with Browser(component("chromium"), directory, environment(directory)) as browser:
        yield browser


def served(url: str) -> Any:
    """Return the JSON at *url*."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def problems(demo: str) -> dict[str, str]:
    """Return the name of one integration with each kind of problem."""
    workspaces = served(f"{demo}api/v1/status?only=problems")["workspaces"]
    integrations = [one for workspace in workspaces for one in workspace["integrations"]]
    return {one["problems"][0]["kind"]: one["name"] for one in integrations}


def integration_page(browser: Browser, demo: str) -> str:
    browser.open(demo)
    found: str = browser.evaluate("document.querySelector('.attention a.name').href")
    return found


def test_the_status_is_as_the_schema_beside_it_says(demo: str) -> None:
    schema = served(f"{demo}api/v1/schema")
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(served(f"{demo}api/v1/status"))


def test_the_cause_of_each_kind_of_problem_is_one_click_from_the_front_page(demo: str, browser: Browser) -> None:
    found = problems(demo)
    assert len(found) >= 4
    for kind, name in found.items():
        browser.open(demo)
        browser.evaluate(f"[...document.querySelectorAll('tbody a.name')].find(a => a.textContent == {name!r}).click()")
        browser.wait_loaded()
        assert browser.evaluate("document.querySelector('h1').textContent") == name
        shown = browser.evaluate("document.querySelector('.problems')?.textContent ?? ''")
        if kind in problems(demo):  # it has not ended meanwhile
            assert FIRST_STEPS[kind] in shown


def test_the_cause_of_the_worst_problem_is_reached_by_keyboard(demo: str, browser: Browser) -> None:
    browser.open(demo)
    for _ in range(MOST_TABS):
        browser.press("Tab")
        if browser.evaluate("document.activeElement.matches('.attention a.name')"):
            break
    name = browser.evaluate("document.activeElement.textContent")
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter")
    browser.wait_loaded()
    assert browser.evaluate("document.querySelector('h1').textContent") == name


def test_no_page_scrolls_sideways_on_a_phone(demo: str, browser: Browser) -> None:
    browser.look(360, 740)
    for url in (demo, f"{demo}?only=problems", integration_page(browser, demo)):
        browser.open(url)
        assert browser.evaluate("document.documentElement.scrollWidth") == 360, url


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1200])
def test_axe_finds_nothing(demo: str, browser: Browser, width: int, dark: bool) -> None:
    if not AXE.exists():
        leave_out("axe-core is missing; tools/fetch-grafana-schema fetches it")
    browser.look(width, 900, dark=dark)
    for url in (demo, integration_page(browser, demo)):
        browser.open(url)
        browser.evaluate(f"{AXE.read_text()};0")
        found = browser.evaluate(
            "axe.run().then(all => all.violations.map(one => [one.id, one.nodes.map(node => node.failureSummary)]))"
        )
        assert found == [], url
