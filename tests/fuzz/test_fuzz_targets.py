"""What `make fuzz` begins with passes, so that the targets stay in step with the code; no fuzzer is needed for it."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.fuzz import config, decoding, wire

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("target", [config, decoding, wire], ids=lambda target: target.__name__)
def test_a_target_has_seeds_and_they_pass(target: ModuleType) -> None:
    seeds = [path for folder in target.SEEDS for path in (ROOT / folder).iterdir() if path.is_file()]
    assert seeds
    for seed in seeds:
        target.check(seed.read_bytes())
