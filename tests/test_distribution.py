"""What is published: the archives, the declared dependencies, the pins, the changelog."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

import seedance_async
from tests.checkout import PACKAGE, PYPROJECT, ROOT, tracked

if TYPE_CHECKING:
    from pathlib import Path

BUILDING = {
    "CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "hatch_build.py", "pyproject.toml",
    "PKG-INFO", ".gitignore",  # hatchling writes the one, and takes the other along to build by
}  # fmt: skip
EXTRAS_IN_DEV = {
    "cli", "docs", "otel", "parquet", "postgres", "prometheus", "simulator", "speed", "storage", "test",
}  # fmt: skip


def project_name(requirement: str) -> str:
    """Take the normalised project name from a requirement."""
    return (
        re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")
    )


def build(kind: str, source: Path, target: Path) -> Path:
    """Build an archive with the pinned backend, without network."""
    program = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)]
    subprocess.run(program, cwd=source, check=True, capture_output=True)
    (made,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


def metadata(wheel: Path) -> str:
    """Read what a wheel says of itself; its last part is the package page."""
    with zipfile.ZipFile(wheel) as inside:
        (name,) = (name for name in inside.namelist() if name.endswith(".dist-info/METADATA"))
        return inside.read(name).decode()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build wheel and sdist."""
    target = tmp_path_factory.mktemp("dist")
    return {kind: build(kind, ROOT, target) for kind in ("wheel", "sdist")}


@pytest.fixture(scope="module")
def archives(built: dict[str, Path]) -> dict[str, set[str]]:
    """List what is inside of wheel and sdist."""
    with zipfile.ZipFile(built["wheel"]) as inside, tarfile.open(built["sdist"]) as packed:
        return {
            "wheel": set(inside.namelist()),
            "sdist": {name.partition("/")[2] for name in packed.getnames()},
        }


def files_of_the_package() -> set[str]:
    """List what git knows of the package: sources and data."""
    return {path.relative_to(ROOT).as_posix() for path in tracked() if path.is_relative_to(PACKAGE)}


def test_the_wheel_holds_the_package_as_git_knows_it_and_nothing_else(archives: dict[str, set[str]]) -> None:
    """Every source and data file reaches the user, and what was never added to git stays at home."""
    about = {name for name in archives["wheel"] if name.partition("/")[0].endswith(".dist-info")}
    assert archives["wheel"] - about == files_of_the_package()


def test_the_sdist_holds_the_package_and_what_builds_it_and_nothing_else(
    archives: dict[str, set[str]],
) -> None:
    """Who packages the project for others gets no tests, no journals and nobody's scratch files."""
    assert archives["sdist"] == files_of_the_package() | BUILDING


def test_the_package_page_is_the_readme_with_links_that_work(built: dict[str, Path]) -> None:
    """A link that leads on inside the repository would be dead there: the file is named instead."""
    page = metadata(built["wheel"]).partition("\n\n")[2]
    assert page.startswith("# seedance-async\n")
    assert [link for link in re.findall(r"\]\(([^)]*)\)", page) if not link.startswith("https://")] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    words = re.sub(r"\]\([^)]*\)", "", readme).replace("[", "")
    assert page.replace("`", "").replace("[", "").split() == words.replace("`", "").split()


def test_a_wheel_made_of_the_sdist_is_the_same(built: dict[str, Path], tmp_path: Path) -> None:
    """Who packages the project for others has the sdist alone: all that a build needs is in it."""
    with tarfile.open(built["sdist"]) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    again = build("wheel", source, tmp_path / "dist")
    with zipfile.ZipFile(built["wheel"]) as one, zipfile.ZipFile(again) as other:
        assert {item.filename: item.CRC for item in one.infolist()} == {
            item.filename: item.CRC for item in other.infolist()
        }


def test_the_readme_says_what_the_extra_all_brings() -> None:
    """Whoever asks for `all` gets what the table of extras promises, and no database or cluster beside it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in readme.splitlines() if line.startswith("| `")]
    [left_out] = [set(re.findall(r"`(\w+)`", brings)) for extra, brings in rows if "`all`" in extra]
    told = {name for extra, _ in rows for name in re.findall(r"`(\w+)`", extra)} - {"all"}
    [brought] = PYPROJECT["project"]["optional-dependencies"]["all"]
    assert set(re.findall(r"\w+", brought.partition("[")[2])) == told - left_out
    assert left_out == {"ray", "postgres"}


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


@pytest.mark.parametrize("name", ["dev.txt", "clients.txt", "ray.txt"])
def test_every_pin_has_a_hash(name: str) -> None:
    """Each line of what is installed for work and tests is a pin with its hashes, and names no address."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
    assert "://" not in text
