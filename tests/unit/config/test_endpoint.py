import pytest

from exporter.config.endpoint import (
    KNOWN_HOSTS,
    find_dashboard,
    find_instance,
    parse_dashboard,
    parse_endpoint,
    parse_grafana,
)
from exporter.config.errors import WrongValueError


@pytest.mark.parametrize("host", KNOWN_HOSTS)
def test_every_endpoint_that_braze_lists_is_accepted(host: str) -> None:
    assert parse_endpoint(f"https://{host}") == f"https://{host}"


def test_braze_lists_fifteen_instances() -> None:
    assert len(set(KNOWN_HOSTS)) == 15


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("US-01", "https://rest.iad-01.braze.com"),
        ("us-08", "https://rest.iad-08.braze.com"),
        ("US-10", "https://rest.us-10.braze.com"),
        ("EU-02", "https://rest.fra-02.braze.eu"),
        ("AU-01", "https://rest.au-01.braze.com"),
        ("KR-01", "https://rest.kr-01.braze.com"),
    ],
)
def test_the_name_of_an_instance_stands_for_its_endpoint(name: str, origin: str) -> None:
    assert find_instance(name) == origin == parse_endpoint(origin)


@pytest.mark.parametrize("name", ["US-09", "US-1", "US01", "EU", "https://rest.iad-01.braze.com"])
def test_another_name_is_no_instance(name: str) -> None:
    with pytest.raises(WrongValueError, match="is not a known Braze instance"):
        find_instance(name)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://rest.iad-03.braze.com/", "https://rest.iad-03.braze.com"),
        ("HTTPS://Rest.IAD-03.Braze.com", "https://rest.iad-03.braze.com"),
        ("https://rest.iad-03.braze.com:443", "https://rest.iad-03.braze.com:443"),
        ("https://rest.iad-12.braze.com", "https://rest.iad-12.braze.com"),  # instances to come
        ("https://rest.sg-01.braze.com", "https://rest.sg-01.braze.com"),
        ("https://proxy", "https://proxy"),
        ("https://10.0.0.1:8443", "https://10.0.0.1:8443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://[::1]", "http://[::1]"),
        ("http://LOCALHOST", "http://localhost"),
    ],
)
def test_an_origin_is_written_one_way(text: str, origin: str) -> None:
    assert parse_endpoint(text) == origin


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://", "is not an address"),
        ("https:///x", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://rest.iad-03.braze.com:0", "is not an address"),
        ("https://rest.iad-03.braze.com:x", "is not an address"),
        ("https://rest.iad-03.braze.com\\@evil.example", "contains a user or a password"),
        ("https://r\u0435st.iad-03.braze.com", "is not an address"),  # a Cyrillic letter
        ("https://a b", "is not an address"),
        ("https://rest.iad-03.braze.com?", "has more than a scheme and host"),
        ("https://rest.iad-03.braze.com#", "has more than a scheme and host"),
        ("https://rest.iad-03.braze.com/api", "has more than a scheme and host"),
        ("https://@rest.iad-03.braze.com", "contains a user or a password"),
        ("https://u:p@rest.iad-03.braze.com", "contains a user or a password"),
        ("ftp://rest.iad-03.braze.com", "is neither http nor https"),
        ("javascript:alert(1)", "is neither http nor https"),
        ("rest.iad-03.braze.com:443", "has no scheme"),
        ("//rest.iad-03.braze.com", "has no scheme"),
        ("http://rest.iad-03.braze.com", "is not https"),
        ("http://0.0.0.0", "is not https"),
        ("http://localhost.example.com", "is not https"),
        ("rest.iad-03.braze.com", "has no scheme"),
        ("https:rest.iad-03.braze.com", "has no scheme"),
        ("https://braze.com", "is not a REST endpoint of Braze"),
        ("https://www.braze.com", "is not a REST endpoint of Braze"),
    ],
)
def test_what_must_not_get_the_key_is_refused(text: str, problem: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        parse_endpoint(text)
    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        *((f"dashboard-{n:02}.braze.com", f"rest.iad-{n:02}.braze.com") for n in range(1, 9)),
        ("dashboard-10.braze.com", "rest.us-10.braze.com"),
        ("dashboard.us-10.braze.com", "rest.us-10.braze.com"),
        ("dashboard-01.braze.eu", "rest.fra-01.braze.eu"),
        ("dashboard-02.braze.eu", "rest.fra-02.braze.eu"),
        ("dashboard.kr-01.braze.com", "rest.kr-01.braze.com"),
        ("sdk.fra-02.braze.eu", "rest.fra-02.braze.eu"),
        ("rest.fra-02.braze.com", "rest.fra-02.braze.eu"),
        ("rest.iad-03.braze.eu", "rest.iad-03.braze.com"),
        ("rest.iad-3.braze.com", "rest.iad-03.braze.com"),
        ("rest.iad-03.braze.co", "rest.iad-03.braze.com"),
        ("rest.iad-03.brase.com", "rest.iad-03.braze.com"),
    ],
)
def test_the_rest_host_that_was_meant_is_named(host: str, meant: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        parse_endpoint(f"https://{host}")
    assert caught.value.remedy.startswith(f"did you mean https://{meant}? ")


def test_a_dashboard_that_is_unknown_gets_the_page_and_no_guess() -> None:
    with pytest.raises(WrongValueError) as caught:
        parse_endpoint("https://dashboard-09.braze.com")
    assert caught.value.problem == "is the dashboard, not the REST endpoint"
    assert caught.value.remedy.startswith("the REST endpoint of each instance is on https://www.braze.com/docs/")


@pytest.mark.parametrize("host", KNOWN_HOSTS)
def test_the_dashboard_of_every_instance_is_known_and_is_of_that_instance(host: str) -> None:
    dashboard = find_dashboard(f"https://{host}:443")
    assert parse_dashboard(dashboard) == dashboard
    with pytest.raises(WrongValueError) as caught:
        parse_endpoint(dashboard)
    assert caught.value.remedy.startswith(f"did you mean https://{host}? ")


@pytest.mark.parametrize(
    ("host", "dashboard"),
    [
        ("rest.iad-03.braze.com", "dashboard-03.braze.com"),
        ("rest.us-10.braze.com", "dashboard.us-10.braze.com"),
        ("rest.fra-02.braze.eu", "dashboard-02.braze.eu"),
        ("rest.jp-01.braze.com", "dashboard.jp-01.braze.com"),
    ],
)
def test_a_dashboard_follows_from_the_endpoint(host: str, dashboard: str) -> None:
    assert find_dashboard(f"https://{host}") == f"https://{dashboard}"


@pytest.mark.parametrize(
    "endpoint", ["https://proxy.example.org", "http://127.0.0.1:8080", "https://rest.iad-12.braze.com"]
)
def test_no_dashboard_is_guessed(endpoint: str) -> None:
    assert find_dashboard(endpoint) == ""


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Dashboard-03.braze.com/", "https://dashboard-03.braze.com"),
        ("http://braze.example.org:8080", "http://braze.example.org:8080"),
    ],
)
def test_any_origin_of_the_web_can_be_a_dashboard(text: str, origin: str) -> None:
    assert parse_dashboard(text) == origin


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("javascript://dashboard-03.braze.com", "is neither http nor https", "copy scheme and host"),
        ("javascript:alert(1)//", "is neither http nor https", "copy scheme and host"),
        ("javascript:alert(1)", "is neither http nor https", "copy scheme and host"),
        ("javascript://x/%0aalert(1)", "is neither http nor https", "copy scheme and host"),
        ("data:text/html,x", "is neither http nor https", "copy scheme and host"),
        ("file:///etc/passwd", "is neither http nor https", "copy scheme and host"),
        ("mailto:a@b.example", "is neither http nor https", "copy scheme and host"),
        ("//dashboard-03.braze.com", "has no scheme", "write `https://`"),
        ("dashboard-03.braze.com:443", "has no scheme", "write `https://`"),
        ("dashboard-03.braze.com", "has no scheme", "write `https://`"),
        ("https://u:p@dashboard-03.braze.com", "contains a user or a password", "remove everything before"),
        ("https://dashboard-03.braze.com/sign_in", "has more than a scheme and host", "remove everything after"),
        ('https://dashboard"onclick=', "is not an address", "copy scheme and host"),
        (
            "https://rest.iad-03.braze.com",
            "is the REST endpoint, not the dashboard",
            "did you mean https://dashboard-03",
        ),
        ("https://rest.iad-12.braze.com", "is the REST endpoint, not the dashboard", "copy scheme and host"),
    ],
)
def test_what_is_no_dashboard_is_refused(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        parse_dashboard(text)
    assert caught.value.problem == problem
    assert caught.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://Grafana.example.org/", "https://grafana.example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("https://ops.example.org/Grafana/", "https://ops.example.org/Grafana"),
        ("https://ops.example.org/a/grafana-11.6", "https://ops.example.org/a/grafana-11.6"),
    ],
)
def test_grafana_may_be_below_a_path(text: str, base: str) -> None:
    assert parse_grafana(text) == base
    assert parse_grafana(base) == base


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("javascript:alert(1)", "is neither http nor https", "copy Grafana's address"),
        ("javascript://x/%0aalert(1)", "is neither http nor https", "copy Grafana's address"),
        ("grafana.example.org", "has no scheme", "write `https://`"),
        ("https://admin:admin@grafana.example.org", "contains a user or a password", "remove everything before"),
        ('https://grafana"onclick=', "is not an address", "copy Grafana's address"),
        ("https://grafana.example.org/?orgId=1", "has a query or a fragment", "remove everything from the `?`"),
        ("https://grafana.example.org/#a", "has a query or a fragment", "remove everything from the `?` or `#`"),
        ("https://grafana.example.org?", "has a query or a fragment", "remove everything from the `?` or `#`"),
        ("https://grafana.example.org/d/braze-cdi-fleet", "is a page in Grafana", "remove everything from `/d` on"),
        ("https://x.example/g/dashboards", "is a page in Grafana", "remove everything from `/dashboards` on"),
        ("https://x.example/login", "is a page in Grafana", "remove everything from `/login` on"),
        ("https://x.example/a b", "is not an address", "copy Grafana's address"),
        ("https://x.example/a//b", "is not an address", "copy Grafana's address"),
        ("https://x.example/../b", "is not an address", "copy Grafana's address"),
    ],
)
def test_what_is_not_the_base_of_grafana_is_refused(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(WrongValueError) as caught:
        parse_grafana(text)
    assert caught.value.problem == problem
    assert caught.value.remedy.startswith(remedy)
