"""Every page does what it says: its blocks run, its commands exist, its links lead somewhere."""

from __future__ import annotations

import asyncio
import re
import runpy
import shlex
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
import pytest

import seedance_async.errors
from seedance_async import VideoRequest
from seedance_async.cli.app import seedance
from seedance_async.request import DEFAULT_MODEL
from seedance_async.settings import KKIAI
from tests.checkout import PACKAGE, PYPROJECT, ROOT, sources
from tests.docs import tables
from tests.docs.blocks import blocks, name_of, pages, run, run_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from seedance_async import SeedanceSession
    from seedance_async.simulator import Simulator

SHOWN = [page for page in pages() if blocks(page) and run_by(page) is None]
FILES = [*pages(), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
SHELLS = [page for page in FILES if blocks(page, "console")]
TARGETS = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def names_given(session: SeedanceSession, sim: Simulator) -> dict[str, Any]:
    """What a page may use without making it, see tests/docs/blocks.py."""
    prompts = ["a harbour at dawn", "a harbour at night"]
    requests = [VideoRequest(prompt=prompt, duration=4) for prompt in prompts]
    jobs = list(zip(["dawn", "night"], requests, strict=True))
    given = {"session": session, "sim": sim, "prompts": prompts, "requests": requests, "jobs": jobs}
    return {"__name__": "__main__", **given}


def test_the_first_page_says_where_a_key_goes() -> None:
    """Whoever sets a key reads right there which address gets it, and how to choose another one."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for told in text.split("export SEEDANCE_API_KEY=")[1:]:
        assert "kkiai" in told[:500]
        assert "SEEDANCE_BASE_URL" in told[:700]
    assert f"`{KKIAI}`" in text
    assert "include} ../README.md" in (ROOT / "docs/index.md").read_text(encoding="utf-8")


def commands(page: Path) -> list[str]:
    """The command lines of a page, whole, without comments."""
    text = "\n".join(block.source for block in blocks(page, "console")).replace("\\\n", " ")
    lines = [re.sub(r"^\S*\$ ", "", line.strip()) for line in text.splitlines()]
    return [" ".join(shlex.split(line, comments=True)) for line in lines]


def proved(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Rows of the tables whose last column is "proved by": their first cell, and the tests that it names."""
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        inside = line.startswith("|") and (inside or cells[-1] == "proved by")
        if inside and cells[-1] != "proved by" and not line.startswith("|--"):
            yield cells[0], re.findall(r"`(test_\w+|tests/[\w/.]+)`", cells[-1])


def parse(command: click.Command, words: list[str]) -> None:
    """Have click read the options of a command, without looking at their values."""
    context = click.Context(command, info_name=command.name)  # a resilient one would pass over every mistake
    if isinstance(command, click.Group):
        inner = command.get_command(context, words[0])
        assert inner is not None, f"no command {words[0]}"
        parse(inner, words[1:])
    else:
        command.make_parser(context).parse_args(words)


def parse_module(module: str, words: list[str]) -> None:
    """Have a program of this package read its command line; others are not ours to know."""
    if module.partition(".")[0] == PACKAGE.name:
        program = import_module(f"{module}.__main__")
        vars(program)["_arguments"](words)


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")  # discord.py imports it
@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize("page", SHOWN, ids=name_of)
async def test_the_blocks_of_a_page_run(
    page: Path,
    seedance_session: SeedanceSession,
    seedance_sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever copies a page's blocks, one after the other, meets no error, and nothing is left running."""
    monkeypatch.chdir(tmp_path)
    names = names_given(seedance_session, seedance_sim)
    before = asyncio.all_tasks()
    async with seedance_session:
        for block in blocks(page):
            await run(block, page, names, monkeypatch.setattr)
    await asyncio.sleep(1.0)  # the simulator, too, learns that connections are closed
    left = [task.get_name() for task in asyncio.all_tasks() - before]
    assert [name for name in left if not name.startswith("simulator")] == []


@pytest.mark.parametrize("page", [page for page in pages() if run_by(page)], ids=name_of)
def test_a_page_that_is_run_elsewhere_is(page: Path) -> None:
    """The test that a page names is there, and reads the page."""
    assert page.name in (ROOT / str(run_by(page))).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", SHELLS, ids=name_of)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    """Every printed command of ours has these options, and every `make` target is one."""
    for line in commands(page):
        words = shlex.split(line)
        if words[:1] == ["seedance"] and words[1:] and not words[1].startswith("-"):
            parse(seedance, words[1:])
        if words[:2] == ["python", "-m"]:
            parse_module(words[2], words[3:])
        if words[:1] == ["make"]:
            assert words[1] in TARGETS


def test_a_mistyped_option_is_seen() -> None:
    """What a page prints is read as the program itself would read it."""
    with pytest.raises(click.NoSuchOption):
        parse(seedance, ["batch", "prompts.jsonl", "--shart", "2/8"])
    with pytest.raises(SystemExit):
        parse_module("seedance_async.simulator", ["--sede", "7"])


def test_commands_are_found_behind_any_prompt(tmp_path: Path) -> None:
    """A line counts with the name of a machine before it, too, and a continued one is whole."""
    page = tmp_path / "page.md"
    page.write_text("```console\n$ seedance demo  # free\nmachine-1$ seedance batch \\\n  a.csv\n```\n")
    assert commands(page) == ["seedance demo", "seedance batch a.csv"]


@pytest.mark.parametrize("page", FILES, ids=name_of)
def test_the_links_of_a_page_lead_to_files(page: Path) -> None:
    """A link inside the repository works where pages are read as files; Sphinx checks the anchors."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_recipes_name_files_that_are_there() -> None:
    """Who follows CONTRIBUTING.md from the root of a clone finds each file by the path that it gives."""
    named = re.findall(r"`([\w.-]+/[\w./-]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) >= 20
    assert [name for name in named if "NAME" not in name and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", tables.pages())
def test_the_tables_of_a_page_are_those_of_the_code(name: str) -> None:
    """What is printed of models and simulator is what is done; where not: python -m tests.docs.tables."""
    page, made = (tables.REFERENCE / name).read_text(encoding="utf-8"), tables.pages()[name]
    assert [table for table in made if f"<!-- table: {table} -->" not in page] == []
    assert tables.filled(page, made) == page


@pytest.mark.parametrize("name", ["explanation/security.md", "reference/what-survives.md"])
def test_what_a_page_calls_proved_has_its_test(name: str) -> None:
    """Each row of a table that ends with "proved by" names tests, and each of them is there."""
    known = set(
        re.findall(r"def (test_\w+)", "\n".join(path.read_text("utf-8") for path in sources("tests")))
    )
    claims = list(proved(ROOT / "docs" / name))
    assert claims != []
    assert [claim for claim, tests in claims if not tests] == []
    named = {test for _, tests in claims for test in tests}
    assert sorted(test for test in named if test not in known and not (ROOT / test).exists()) == []


def test_every_public_name_is_in_the_reference() -> None:
    """A name that can be imported can be looked up: classes, functions and errors, also new ones."""
    pages = (ROOT / "docs" / "reference").glob("*.md")
    told = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    documented = set(re.findall(r"^\.\. auto\w+:: seedance_async\.(?:[\w.]+\.)?(\w+)", told, re.MULTILINE))
    public = {*seedance_async.__all__, *seedance_async.errors.__all__}
    assert sorted(public - documented - {"__version__"}) == []


def test_the_settings_page_names_the_variables_that_a_program_reads() -> None:
    """A variable that changes where orders go, and who pays, is on the page, with what it stands for."""
    apart = {"cli", "ext", "simulator"}
    read = {
        name
        for path in sources("seedance_async")
        if path.relative_to(PACKAGE).parts[0] not in apart
        for name in re.findall(r'environ\.get\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", rows)) == read
    assert f"`{KKIAI}`" in rows
    assert f"`{DEFAULT_MODEL}`" in rows


def test_a_class_without_public_bases_has_no_line_for_them() -> None:
    """A blank "Bases:" is not printed; bases that there are stay."""
    doctree: Any = import_module("docutils.core").publish_doctree(
        "Bases:\n\nBases: ``Event``\n\nBases: told elsewhere."
    )
    runpy.run_path(str(ROOT / "docs" / "conf.py"))["_no_blank_bases"](None, doctree)
    assert [line.astext() for line in doctree] == ["Bases: Event", "Bases: told elsewhere."]


def test_the_diagrams_are_those_of_their_program() -> None:
    """A diagram that is changed in its program is changed on the pages; where not: docs/images/draw.py."""
    images = ROOT / "docs" / "images"
    drawings = runpy.run_path(str(images / "draw.py"))["DRAWINGS"]
    assert {path.stem for path in images.glob("*.svg")} == set(drawings)
    for name, draw in drawings.items():
        assert (images / f"{name}.svg").read_text(encoding="utf-8") == draw().svg()


def test_the_map_of_rooms_is_the_contract_of_imports() -> None:
    """Each room is named, and none is drawn above one that may import it: the picture is the contract's."""
    drawn = (ROOT / "docs" / "images" / "rooms.svg").read_text(encoding="utf-8")
    texts = re.findall(r'<text class="(\w+)" x="(\d+)" y="(\d+)"[^>]*>(.+)</text>', drawn)
    heads = {text: int(y) for kind, x, y, text in texts if kind == "head" and int(x) > 20}
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in sources("seedance_async")}
    assert rooms - set(heads) == {"__init__"}
    layers: list[str] = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    lowest = 0
    for layer in layers:
        alone = [heads[room] for room in re.findall(r"\(seedance_async\.(\w+)\)", layer)]
        assert min(alone, default=lowest + 1) > lowest
        lowest = max(alone, default=lowest)
    parts = {part for layer in layers for part in re.findall(r"seedance_async\.\w+\.(\w+)", layer)}
    small = " ".join(text for kind, _, _, text in texts if kind == "small")
    assert parts - set(re.findall(r"\w+", small)) == set()
