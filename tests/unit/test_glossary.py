"""The glossary is held over every text of the project, and would notice what it must; `make lint` runs the same."""

from pathlib import Path

import pytest

from tools.glossary import findings, main


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.md",
            "A mistake.\n\nNothing happens by\nitself.",
            [(1, "mistake", "error"), (3, "by itself", "automatically")],
        ),
        ("a.yaml", "# It is polled by\n# itself.\n", [(1, "by # itself", "automatically")]),
        ("a.py", 'mend = 1\n"""Mended\nanew."""\n', [(2, "Mended", "fix"), (3, "anew", "again")]),
        ("b.py", "told = f'{told} was brought'  # no trouble\n", [(1, "brought", ""), (1, "trouble", "problem")]),
        ("b.md", "Troubleshooting; they can be told apart, and one stands in for the other.", []),
    ],
)
def test_words_outside_the_glossary_are_found(
    name: str, text: str, expected: list[tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    found = list(findings(tmp_path / name))
    assert [(line, word) for line, word, _ in found] == [(line, word) for line, word, _ in expected]
    assert all(advice in given for (_, _, given), (_, _, advice) in zip(found, expected, strict=True))


def test_every_text_of_the_project_keeps_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    code = main()
    assert code == 0, capsys.readouterr().out
