"""The tables of `benchmarks/compare.py`: a figure of each contender, and beside it its ratio to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.stories import STORIES, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from benchmarks.stories import Weight

    Columns: TypeAlias = Mapping[str, Callable[[str, Row], str]]
    Found: TypeAlias = Mapping[str, Mapping[str, Row]]

OURS = "seedance_async"
MANY = 10.0
"""From this ratio on nobody asks for its decimals."""


def tables(found: Found, weighed: Mapping[str, Weight]) -> str:
    """Lay them side by side, a table for each story, as Markdown."""
    return "\n\n".join([calm(found), storm(found), quotas(found), weights(weighed)])


def calm(found: Found) -> str:
    """What a task costs where nothing goes wrong."""
    ours = found[OURS]["calm"]
    columns: Columns = {
        "CPU per task": lambda _, row: beside(row.cpu_ms, ours.cpu_ms, ".2f", " ms"),
        "requests per task": lambda _, row: beside(row.requests, ours.requests, ".1f"),
        "peak memory per task in flight": lambda _, row: beside(row.kib, ours.kib, ",.0f", " KiB"),
        "seconds": lambda name, row: seconds("calm", name, row, ours),
    }
    return of_story("calm", found, columns)


def storm(found: Found) -> str:
    """What the ledger of a bad day says."""
    ours = found[OURS]["storm"]
    columns: Columns = {
        "tasks for prompts": lambda name, row: f"{row.tasks} / {STORIES['storm'].prompts(name)}",
        "paid twice": lambda _, row: f"{row.twice}",
        "paid, caller told nothing": lambda _, row: f"{row.orphans}",
        "videos": lambda _, row: (
            f"{row.succeeded}" + (f" + {row.uncertain} reported" if row.uncertain else "")
        ),
        "requests per task": lambda _, row: beside(row.requests, ours.requests, ".1f"),
        "seconds": lambda name, row: seconds("storm", name, row, ours),
    }
    return of_story("storm", found, columns)


def quotas(found: Found) -> str:
    """Who brings everything home inside an account's quotas."""
    ours = found[OURS]["quotas"]
    columns: Columns = {
        "videos": lambda name, row: f"{row.succeeded} / {STORIES['quotas'].prompts(name)}",
        "paid, caller told nothing": lambda _, row: f"{row.orphans}",
        "requests per task": lambda _, row: beside(row.requests, ours.requests, ".1f"),
        "seconds": lambda name, row: seconds("quotas", name, row, ours),
    }
    return of_story("quotas", found, columns)


def weights(weighed: Mapping[str, Weight]) -> str:
    """What it takes before anything is asked."""
    ours = weighed[OURS]
    rows = {
        name: (
            one.version,
            beside(one.import_ms, ours.import_ms, ".0f", " ms"),
            beside(one.installed_mb, ours.installed_mb, ".0f", " MB"),
        )
        for name, one in weighed.items()
    }
    return laid("Weight", ("version", "import", "installed"), rows)


def beside(figure: float, ours: float, form: str, unit: str = "") -> str:
    """Write a figure, and its ratio to ours where ours is no zero."""
    shown = f"{figure:{form}}{unit}"
    if not ours:
        return shown
    ratio = figure / ours
    return f"{shown} ({ratio:{',.0f' if ratio >= MANY else '.2f'}}x)"


def seconds(story: str, name: str, row: Row, ours: Row) -> str:
    """Write how long it took; a ratio would mean nothing where the prompts were fewer than ours."""
    setting = STORIES[story]
    same = setting.prompts(name) == setting.prompts(OURS)
    return beside(row.seconds, ours.seconds, ".0f") if same else f"{row.seconds:.0f}"


def of_story(story: str, found: Found, columns: Columns) -> str:
    """Write the table of one story, a row for each contender."""
    rows = {
        name: tuple(cell(name, stories[story]) for cell in columns.values())
        for name, stories in found.items()
    }
    return laid(story.capitalize(), tuple(columns), rows)


def laid(title: str, head: tuple[str, ...], rows: Mapping[str, tuple[str, ...]]) -> str:
    """Write one table."""
    lines = [f"## {title}", "", f"| client | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    return "\n".join(lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()])
