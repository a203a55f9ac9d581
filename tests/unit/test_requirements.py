"""The lock files hold what pyproject.toml asks for, everywhere, and nothing that belongs to one machine."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text()
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def asked_for(source: str) -> list[Requirement]:
    lines = (ROOT / "requirements" / source).read_text().splitlines()
    return [Requirement(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]


def test_every_dependency_is_pinned_to_a_version_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    run = [Requirement(each) for each in [*project["project"]["dependencies"], *extras["isal"]]]
    build = [Requirement(each) for each in project["build-system"]["requires"]]
    wanted = {
        "run.txt": run,
        "build.txt": [*build, *asked_for("build.in")],
        "dev.txt": [*run, *build, *asked_for("build.in"), *asked_for("dev.in")],
        "lab.txt": asked_for("lab.in"),
        "release.txt": asked_for("release.in"),
        "runners.txt": asked_for("runners.in"),
        "lock.txt": asked_for("lock.in"),
        "components.txt": asked_for("components.in"),
    }
    for lock, requirements in wanted.items():
        pinned = pins(lock)
        for requirement in requirements:
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), (lock, requirement)


def test_the_sets_that_share_an_environment_agree() -> None:
    assert pins("run.txt").items() <= pins("dev.txt").items()
    assert pins("build.txt").items() <= pins("dev.txt").items()
    dev, lab = pins("dev.txt"), pins("lab.txt")
    assert {name: lab[name] for name in dev.keys() & lab.keys()}.items() <= dev.items()


def test_bcrypt_is_no_version_that_was_withdrawn() -> None:
    """bcrypt 4.1.0 was yanked from PyPI: the oldest version that we allow is the oldest that one gets."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (bcrypt,) = (one for one in map(Requirement, project["project"]["dependencies"]) if one.name == "bcrypt")
    assert not bcrypt.specifier.contains("4.1.0")
    assert bcrypt.specifier.contains("4.1.1")


def test_the_exporter_itself_brings_no_tool_of_the_checks() -> None:
    assert not {"pytest", "hatchling", "mypy"} & set(pins("run.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_pins_with_hashes_and_no_address(lock: Path) -> None:
    text = re.sub(r"^#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        first, *hashes = entry.replace("\\\n", "\n").split()
        assert re.fullmatch(r"[\w.-]+==[\w.!+]+", first), first
        assert hashes, first
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), first
