"""Each file in tests/data/config/bad holds one mistake, and in its first line the message that it must get."""

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.load import load_config

BAD = Path(__file__).resolve().parents[2] / "data" / "config" / "bad"
ENVIRON = {"BRAZE_API_KEY": "11111111-2222-3333-4444-555555555555", "BRAZE_EMPTY_API_KEY": " "}


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_bad_file_gets_exactly_the_message_beside_it(file: Path) -> None:
    expected = file.read_text().splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(ConfigError) as caught:
        load_config(str(file), environ=ENVIRON)
    assert str(caught.value) == f"{file}{expected}"
    assert "11111111-2222" not in str(caught.value)


def test_there_are_bad_files_to_judge_by() -> None:
    assert len(list(BAD.glob("*.yaml"))) > 100
