"""What is published: the archives, the declared dependencies, the pins, the changelog."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import seedance_async
from tests.checkout import PACKAGE, PYPROJECT, ROOT, tracked

DATA = {".md", ".mp4", ".png", ".jpg", ".jsonl", ".toml", ".ttf", ".html", ".css", ".js", ".typed"}
EXTRAS_IN_DEV = {
    "cli", "docs", "otel", "parquet", "postgres", "prometheus", "simulator", "speed", "storage", "test",
}  # fmt: skip


def project_name(requirement: str) -> str:
    """Take the normalised project name from a requirement."""
    return (
        re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")
    )


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Build wheel and sdist with the pinned backend, without network, and list what is inside."""
    target = tmp_path_factory.mktemp("dist")
    for kind in ("wheel", "sdist"):
        build = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as inside, tarfile.open(sdist) as packed:
        return {
            "wheel": set(inside.namelist()),
            "sdist": {name.partition("/")[2] for name in packed.getnames()},
        }


def files_of_the_package() -> set[str]:
    """List what git knows of the package: sources and data."""
    return {path.relative_to(ROOT).as_posix() for path in tracked() if path.is_relative_to(PACKAGE)}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_an_archive_holds_the_whole_package(archives: dict[str, set[str]], kind: str) -> None:
    """Sources, type marker and data files (clips, prompts, pictures) reach the user."""
    assert files_of_the_package() - archives[kind] == set()
    assert {"seedance_async/py.typed", "seedance_async/simulator/video/clip.mp4"} <= archives[kind]


def test_the_wheel_holds_nothing_else(archives: dict[str, set[str]]) -> None:
    """Tests, docs, journals and half-written videos stay at home."""
    strangers = [
        name for name in archives["wheel"] if not name.startswith(("seedance_async/", "seedance_async-"))
    ]
    odd = [
        name
        for name in archives["wheel"]
        if name.startswith("seedance_async/") and Path(name).suffix not in {".py"} | DATA
    ]
    assert (strangers, odd) == ([], [])


def test_the_core_needs_three_packages() -> None:
    """aiohttp, attrs and tenacity are all that an install without extras brings."""
    assert {project_name(line) for line in PYPROJECT["project"]["dependencies"]} == {
        "aiohttp",
        "attrs",
        "tenacity",
    }


def test_the_newest_release_in_the_changelog_is_this_version() -> None:
    """The top release heading is the version that the package and its metadata state."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, flags=re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    newest, day = headings[1]
    assert newest == seedance_async.__version__ == version("seedance-async")
    assert day


def test_every_direct_requirement_is_pinned() -> None:
    """requirements/dev.txt covers core, extras under test and linters; `make lock` after a change."""
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"], *PYPROJECT["dependency-groups"]["lint"]]
    for extra in EXTRAS_IN_DEV:
        wanted += project["optional-dependencies"][extra]
    text = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", text, flags=re.MULTILINE))
    assert {project_name(line) for line in wanted} - pinned == set()


def test_every_pin_has_a_hash() -> None:
    """Each line of requirements/dev.txt is a pin followed by its hashes, and names no address."""
    text = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
    assert "://" not in text
