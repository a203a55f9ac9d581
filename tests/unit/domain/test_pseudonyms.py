"""What was announced, and what looks like an id, an address or a host, never shows; the rest stays readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.domain.pseudonyms import Pseudonyms
from tests.json_values import ANY_JSON


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("users is late", "integration-1 is late"),
        ("all_users, superusers and users", "all_users, superusers and integration-1"),
        ("users in eu: 2 of users", "integration-2 of integration-1"),
        ("users in eu: 2_users", "integration-1 in eu: 2_users"),
        ("users2 users! users\u00e9", "users2 integration-1! users\u00e9"),
        ("all of acme corp", "all of integration-4"),
        ("acme corp users corp", "integration-4 integration-1 integration-3"),
        ("acme corp! corp!", "integration-4integration-5 integration-5"),
        ("key=s3cret/x", "key=hidden/x"),
        ("of 00000000-0000-4000-8000-00000000000A", "of id-1"),
        ("app 5f9a1b2c3d4e5f6a7b8c9d0e", "app id-1"),
        ("mail to jo.doe+x@corp.example now", "mail to mail-1 now"),
        ("https://rest.iad-03.braze.com/x and http://proxy.corp:3128/x", "https://rest.iad-03.braze.com/x and http://host-1/x"),
        ("http://127.0.0.1:10273/metrics", "http://127.0.0.1:10273/metrics"),
        ("", ""),
    ],
)  # fmt: skip
def test_each_kind_is_hidden_and_the_rest_stays(text: str, hidden: str) -> None:
    names = Pseudonyms(["s3cret"], {"integration": ["users", "users in eu: 2", "", "corp", "acme corp", "corp!"]})
    assert names.hide(text) == hidden


def test_the_same_text_is_the_same_word_everywhere() -> None:
    names = Pseudonyms([], {"workspace": ["eu"], "integration": ["eu", "users"]})
    one = "00000000-0000-4000-8000-000000000001"
    document = {"eu": ["users", one, 7, None, True], "text": f"users ({one}) in eu"}
    assert names.hide_json(document) == {
        "workspace-1": ["integration-1", "id-1", 7, None, True],
        "text": "integration-1 (id-1) in workspace-1",
    }


def test_label_values_are_hidden_and_the_page_stays_one() -> None:
    odd = 'a "b"\\n\n{c="d"}'
    page = '# TYPE users gauge\nusers{integration_name="a \\"b\\"\\\\n\\n{c=\\"d\\"}",le="users x",kind="users"} 1\n'
    names = Pseudonyms([], {"integration": ["users", odd]})
    shown = names.hide_labels(page, {"integration_name": "integration"}, {"kind"})
    family = next(iter(text_string_to_metric_families(shown)))
    assert family.name == "users"
    assert family.samples[0].labels == {"integration_name": "integration-2", "le": "integration-1 x", "kind": "users"}


def test_a_label_of_theirs_with_a_name_of_ours_is_hidden_and_what_is_ours_stays() -> None:
    names = Pseudonyms([], {"label": ["acme"]})
    page = 'a{status="acme",kind="acme"} 1\nb{status="success",kind="lag_high"} 1\n'
    assert names.hide_labels(page, {"status": "label", "kind": "label"}, {"status", "kind"}) == (
        'a{status="label-1",kind="label-1"} 1\nb{status="success",kind="lag_high"} 1\n'
    )
    assert names.hide_labels(page, {"kind": "label"}, {"status", "kind"}).startswith('a{status="acme",kind="label-1"}')
    given = {"limits": {"lag": "1h", "by": "acme"}, "labels": {"limits": "acme", "poll": ["acme"]}}
    assert names.hide_json([given], ("limits", "poll")) == [
        {"limits": {"lag": "1h", "by": "acme"}, "labels": {"limits": "label-1", "poll": ["label-1"]}}
    ]


def test_a_value_in_which_nothing_is_hidden_stays_as_it_was_escaped() -> None:
    page = 'up{text="a \\"b\\" \\\\n \\n c",name=""} 1\n'
    assert Pseudonyms([], {}).hide_labels(page, {"name": "integration"}, ()) == page


def test_a_name_that_nobody_announced_is_hidden_by_its_label_and_its_clean_form_is_the_same() -> None:
    names = Pseudonyms([], {"integration": ["tab name"]})
    page = 'up{integration_name="tab\tname"} 1\nup{integration_name="new"} 1\n'
    shown = names.hide_labels(page, {"integration_name": "integration"}, ())
    assert shown == 'up{integration_name="integration-1"} 1\nup{integration_name="integration-2"} 1\n'


def test_words_of_ours_and_times_stay_whatever_the_names_are() -> None:
    names = Pseudonyms([], {"integration": ["failing", "1", "2026-03-01T14:29:40Z"]})
    document = {"kind": "failing", "since": "2026-03-01T14:29:40Z", "text": "1 failing"}
    assert names.hide_json(document, {"kind"}) == {**document, "text": "integration-2 integration-1"}


def test_fields_that_are_kept_are_kept_at_any_depth_with_all_that_is_in_them() -> None:
    names = Pseudonyms([], {"integration": ["kind", "failing"]})
    document = [{"kind": ["failing"], "failing": {"kind": "failing", "of": "failing"}}]
    shown = [{"kind": ["failing"], "integration-2": {"kind": "failing", "of": "integration-2"}}]
    assert names.hide_json(document, {"kind"}) == shown
    assert names.hide_json({"kind": "failing"}) == {"integration-1": "integration-2"}


def test_hosts_are_hidden_wherever_they_stand_but_for_those_of_braze() -> None:
    text = "https://dashboard.acme.example/x, acme-wh.snowflake.example account; https://dashboard-03.braze.com"
    assert Pseudonyms([], {}).hide(text) == "https://host-1/x, place-1 account; https://dashboard-03.braze.com"


NAMES = st.lists(st.text("абв .-_", min_size=1, max_size=6), min_size=1, max_size=5)


@given(NAMES, st.lists(st.sampled_from([" ", ", ", "(", "/", "\n"]), min_size=6, max_size=6))
def test_no_letter_of_a_name_shows_whatever_surrounds_it(names: list[str], between: list[str]) -> None:
    """The names' letters are none of ours, and names overlap each other in every way."""
    told = "".join(mark + name for name, mark in zip(names, between, strict=False)) + between[-1]
    shown = Pseudonyms([], {"x": names}).hide(told)
    assert not set("абв") & set(shown)


@given(st.lists(st.text("кл/", min_size=1, max_size=5), min_size=1, max_size=3), ANY_JSON)
def test_no_key_shows_in_any_document_which_keeps_its_shape(keys: list[str], document: object) -> None:
    hidden = Pseudonyms(keys, {}).hide_json({"given": document, "told": [f"a{key}b" for key in keys]})
    assert type(hidden["given"]) is type(document)
    assert not set("кл") & set("".join(hidden["told"]))
