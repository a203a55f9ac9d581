import pytest

from exporter.config.errors import ConfigError, FieldError, did_you_mean, show_file, show_key

KEY = "11111111-2222-3333-4444-555555555555"


def test_an_error_is_one_line_with_place_key_problem_and_remedy() -> None:
    error = FieldError("config.yaml", 12, "workspaces[0].name", "is empty", "write a value")
    assert str(error) == "config.yaml:12: workspaces[0].name: is empty (write a value)"


def test_an_error_of_the_whole_file_has_neither_line_nor_key() -> None:
    assert str(FieldError("config.yaml", None, "", "is a directory", "name the file")) == (
        "config.yaml: is a directory (name the file)"
    )


def test_an_error_holds_all_errors_in_the_order_of_the_file() -> None:
    late, early = FieldError("c", 9, "", "b", "c"), FieldError("c", 2, "", "d", "e")
    assert ConfigError([late, early]).errors == (early, late)
    assert str(ConfigError([late, early])) == "c:2: d (e)\nc:9: b (c)"


def test_a_close_word_is_suggested_and_a_far_one_is_not() -> None:
    assert did_you_mean("intervall", ["timeout", "interval"]) == "did you mean interval?"
    assert did_you_mean("Interval", ["timeout", "interval"]) == "did you mean interval?"
    assert did_you_mean("zzz", ["timeout", "interval"]) is None
    assert did_you_mean("interval" * 10, ["interval" * 9]) is None


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("cost-centre", "labels.cost-centre"),
        ("", "labels.<not shown>"),
        ("a b", "labels.<not shown>"),
        ("a\nb", "labels.<not shown>"),
        ("é", "labels.<not shown>"),
        (KEY, "labels.<not shown>"),
        (KEY.replace("-", ""), "labels.<not shown>"),
        ("x" * 33, "labels.<not shown>"),
        ("sk_live_1a2b3c4d5e6f7g8h9i0j", "labels.<not shown>"),
    ],
)
def test_the_name_of_a_key_is_shown_only_when_it_cannot_be_a_secret(step: str, shown: str) -> None:
    assert show_key(("labels", step)) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/run/secrets/braze-production-workspace-key", "the file /run/secrets/braze-production-workspace-key"),
        (f"/run/{KEY}", "the file named here"),
        (f"/run/{KEY}.txt", "the file named here"),
        ("sk_live_1a2b3c4d5e6f7g8h9i0j", "the file named here"),
    ],
)
def test_the_name_of_a_file_is_shown_unless_it_looks_like_a_key(path: str, shown: str) -> None:
    assert show_file(path) == shown
