"""The wheel and the sdist: what they hold, what package indexes think of them, and that anyone builds the same ones."""

import email as messages
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.package_metadata import AUTHORS, project_urls, with_absolute_links

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
HOME = "https://forge.example.com/a/exporter"
"""A project's home, and below its address, as the release workflow would set them."""
EMAIL = "exporter@example.com"


def build(source: Path, target: Path, home: str = "", email: str = "", umask: int = 0o022) -> tuple[Path, Path]:
    """The wheel and the sdist of *source*, built into *target*."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    environment = {"PATH": "/usr/bin:/bin", "PROJECT_URL": home, "PROJECT_EMAIL": email}
    run = subprocess.run(command, cwd=source, env=environment, umask=umask, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(ROOT, tmp_path_factory.mktemp("dist"), HOME, EMAIL)


@pytest.fixture(scope="module")
def unpacked(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    subprocess.run(["tar", "-xf", built[1], "-C", folder], check=True)  # Python's own has filters since 3.11.4 only
    (root,) = folder.iterdir()
    return root


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return messages.message_from_bytes(archive.read(name))


def payload(fields: Message) -> str:
    content = fields.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def run(*command: object) -> str:
    """What *command*, which must succeed, prints."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_wheel_holds_the_package_and_nothing_else(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {path for path in (ROOT / "exporter").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert names == {path.relative_to(ROOT).as_posix() for path in package}


def test_check_wheel_contents_finds_nothing(built: tuple[Path, Path]) -> None:
    assert run(BIN / "check-wheel-contents", built[0]).strip() == f"{built[0]}: OK"


def test_twine_takes_wheel_and_sdist_without_a_warning(built: tuple[Path, Path]) -> None:
    assert "WARNING" not in run(BIN / "twine", "check", "--strict", *built)


def test_pyproject_is_valid() -> None:
    assert "Valid" in run(BIN / "validate-pyproject", ROOT / "pyproject.toml")


def test_pyroma_rates_the_released_package_at_nine_or_more(built: tuple[Path, Path]) -> None:
    report = run(BIN / "pyroma", "--min", 9, built[1])
    assert int(re.findall(r"Final rating: (\d+)/10", report)[0]) >= 9


def test_the_sdist_holds_all_that_git_keeps(unpacked: Path) -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        kept = {path.relative_to(ROOT).as_posix() for path in (ROOT / "exporter").rglob("*.py")}
    else:
        kept = {name for name in listing.stdout.split("\0") if name and (ROOT / name).exists()}
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert kept <= held
    assert not [name for name in held if name.startswith((".venv", ".tools", "data/", "dist/", "build/"))]


def test_the_sdist_builds_the_same_wheel_and_itself_anew(
    built: tuple[Path, Path], unpacked: Path, tmp_path: Path
) -> None:
    """Another place, other times and another umask; the home is in the sdist and need not be set again."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(unpacked, copy, copy_function=shutil.copyfile)
    wheel, sdist = build(copy, tmp_path / "dist", umask=0o077)
    assert wheel.read_bytes() == built[0].read_bytes()
    assert sdist.name == built[1].name


def test_two_builds_are_the_same_to_the_byte(built: tuple[Path, Path], tmp_path: Path) -> None:
    for first, second in zip(built, build(ROOT, tmp_path, HOME, EMAIL, umask=0o027), strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


def test_the_sdist_passes_its_quick_tests_by_itself(unpacked: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/domain"]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d{2,} passed", done.stdout, re.MULTILINE)


def test_the_released_metadata_has_links_that_lead_into_the_project(built: tuple[Path, Path]) -> None:
    fields = metadata(built[0])
    assert dict(each.split(", ") for each in fields.get_all("Project-URL", [])) == project_urls(HOME)
    assert fields["Author-email"] == f"{AUTHORS} <{EMAIL}>"
    text = payload(fields)
    assert f"]({HOME}/blob/v0.1.0/docs/installation.md)" in text
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert links
    assert all(link.startswith(("https://", "#")) for link in links)


def test_without_a_home_the_metadata_names_none(tmp_path: Path) -> None:
    fields = metadata(build(ROOT, tmp_path)[0])
    assert fields.get_all("Project-URL", []) == []
    assert fields["Author"] == AUTHORS
    assert "Author-email" not in fields
    assert payload(fields).strip() == (ROOT / "README.md").read_text().strip()


def test_pictures_and_documents_become_absolute_and_other_links_stay() -> None:
    text = "![a](p/b.png) [c](d.md#e) [f](#g) [h](https://example.com/i)"
    assert with_absolute_links(text, "https://x.example", "v1") == (
        "![a](https://x.example/raw/v1/p/b.png) [c](https://x.example/blob/v1/d.md#e) [f](#g) [h](https://example.com/i)"
    )


def test_the_classifiers_name_the_pythons_that_are_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(project["classifiers"]), re.MULTILINE)
    (tested,) = re.findall(r"python: \[(.+)\]", (ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert named == re.findall(r"3\.\d+", tested)
    assert project["requires-python"] == f">={named[0]}"


def test_isal_is_an_extra_and_the_image_has_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "isal" not in {Requirement(each).name for each in project["dependencies"]}
    assert [Requirement(each).name for each in project["optional-dependencies"]["isal"]] == ["isal"]
    assert re.search(r"^isal==", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE)
