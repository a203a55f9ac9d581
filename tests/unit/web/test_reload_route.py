from dataclasses import dataclass, field

import pytest

from tests.unit.web.applications import Sources, call


@dataclass
class Reloading:
    """Counts reloads, and answers each with *reason*."""

    reason: str | None = None
    count: int = 0
    sources: Sources = field(init=False)

    def __post_init__(self) -> None:
        self.sources = Sources(reload=self.reload)

    async def reload(self) -> str | None:
        self.count += 1
        return self.reason


def test_post_reloads_and_says_so() -> None:
    reloading = Reloading()
    answer = call(reloading.sources, "POST", "/-/reload")
    assert (answer.status_code, answer.text) == (200, "reloaded\n")
    assert reloading.count == 1


def test_a_reload_that_fails_is_500_with_the_reason() -> None:
    reloading = Reloading("Not reloaded.\nconfig.yaml:3: workspaces: unknown key")
    answer = call(reloading.sources, "POST", "/-/reload")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "Not reloaded.\nconfig.yaml:3: workspaces: unknown key\n"


def test_a_defect_of_a_reload_is_logged_and_not_told() -> None:
    async def fail() -> str | None:
        raise RuntimeError("inner secret")

    sources = Sources(reload=fail)
    answer = call(sources, "POST", "/-/reload")
    assert answer.status_code == 500
    assert "inner secret" not in answer.text
    assert [one.kwargs["path"] for one in sources.log.calls] == ["/-/reload"]


def test_without_the_flag_nobody_may_reload_and_the_flag_is_named() -> None:
    answer = call(Sources(reload=None), "POST", "/-/reload")
    assert answer.status_code == 403
    assert "--web.enable-lifecycle" in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("allowed", [True, False])
def test_other_methods_do_not_reload_and_learn_of_post(method: str, allowed: bool) -> None:
    reloading = Reloading()
    answer = call(reloading.sources if allowed else Sources(), method, "/-/reload")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert reloading.count == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://exporter:10273"},  # as after DNS rebinding
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_no_page_in_a_browser_may_reload(headers: dict[str, str]) -> None:
    reloading = Reloading()
    answer = call(reloading.sources, "POST", "/-/reload", host="exporter:10273", **headers)
    assert answer.status_code == 403
    assert reloading.count == 0
