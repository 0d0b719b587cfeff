"""This library beside others: the same stories on the same simulated server, in one run.

``make bench`` (``python -m benchmarks.compare [--write docs/reference/benchmarks.md]``) lets every contender
(`benchmarks/contenders.py`), each in a process of its own on a fresh server in another, live three stories:

* calm: nothing goes wrong and no quota is kept; what a task costs in processor time, requests and memory (the
  most that the process grew by: all prompts are submitted at once, and this library opens a connection for
  each submit; a task in flight takes 2 KiB of it, as `benchmarks/watch_scale.py` measures);
* storm: of a hundred creates 10 are accepted and their answer lost, 15 lost without effect, 5 told to slow
  down, and 4 % of reads fail; what the server's ledger says afterwards;
* quotas: 20 looks and one list a second, 20 tasks at work at once, 100 alive, as an account has them.

It also weighs what is installed, and times the import. Figures are of one run on a shared machine: the
ratios are worth more than the milliseconds. Nothing leaves the loopback interface; it takes five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from benchmarks.contenders import CLIENTS, CONTENDERS
from benchmarks.stories import CALM, ONE_PROCESS_EACH, STORIES, Row, Setting
from benchmarks.weights import import_ms, installed_mb, statement_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import TypeAlias

    Columns: TypeAlias = Mapping[str, Callable[[str, Row], str]]


@contextmanager
def server(scenario: str, work_seconds: float) -> Generator[str]:
    """Run the simulator as a program, and give its base URL."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "scenario.toml"
        told.write_text(scenario, encoding="utf-8")
        program = [sys.executable, "-m", "seedance_async.simulator", "--no-render", "--seed", "7"]
        options = ["--scenario", str(told), "--work-seconds", str(work_seconds)]
        with subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True) as process:
            lines = cast("IO[str]", process.stdout)
            try:
                yield lines.readline().split()[1]
            finally:
                process.terminate()


def asked(url: str, what: str) -> Any:
    """Ask the simulator's control door."""
    origin = url.removesuffix("/api/v3")
    with urllib.request.urlopen(f"{origin}/_sim/{what}") as answer:  # noqa: S310 - our own loopback address
        return json.load(answer)


def live(name: str, setting: Setting) -> Row:
    """Let one contender live one story."""
    count = setting.prompts(name)
    with ExitStack() as servers:
        calm_url = servers.enter_context(server(CALM, 0.1))
        url = servers.enter_context(server(setting.scenario, setting.work_seconds))
        story = {"url": url, "calm_url": calm_url, "count": count, "interval": 1.0, "quotas": setting.quotas}
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.contenders", name, json.dumps(story)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        told = json.loads(done.stdout)
        return judged(told, count, asked(url, "ledger"), asked(url, "state")["counts"])


def judged(
    told: Mapping[str, Any], count: int, ledger: list[dict[str, Any]], counts: Mapping[str, int]
) -> Row:
    """Hold what the callers were told against the server's ledger."""
    ends: Mapping[str, str] = told["ends"]
    made = Counter(str(entry["prompt"]) for entry in ledger)
    silent = [prompt for prompt, end in ends.items() if end.startswith("failed")]
    return Row(
        cpu_ms=1000 * told["cpu_s"] / count,
        requests=sum(counts.values()) / count,
        kib=told["kib_per_task"],
        seconds=told["seconds"],
        succeeded=sum(end == "succeeded" for end in ends.values()),
        uncertain=sum(end == "uncertain" for end in ends.values()),
        tasks=len(ledger),
        twice=sum(number - 1 for number in made.values()),
        orphans=sum(made[prompt] > 0 for prompt in silent),
    )


def contenders() -> list[str]:
    """Tell who is installed; `make clients` brings the two that are heavy."""
    there = [name for name in CONTENDERS if name not in {"byteplus-py", ONE_PROCESS_EACH}]
    return list(CONTENDERS) if (CLIENTS / "byteplus_py").is_dir() else there


def measure() -> dict[str, dict[str, Row]]:
    """Run every story with every contender, one after the other."""
    found: dict[str, dict[str, Row]] = {}
    for story, setting in STORIES.items():
        for name in contenders():
            found.setdefault(name, {})[story] = live(name, setting)
            print(f"{story:8} {name:24} {found[name][story]}", file=sys.stderr)
    return found


def tables(found: Mapping[str, Mapping[str, Row]]) -> str:
    """Lay them side by side, a table for each story, as Markdown."""
    return "\n\n".join([calm(found), storm(found), quotas(found), weights(found)])


def calm(found: Mapping[str, Mapping[str, Row]]) -> str:
    """What a task costs where nothing goes wrong; the ratio is against this library."""
    ours = found["seedance_async"]["calm"].cpu_ms
    columns: Columns = {
        "CPU per task": lambda _, row: f"{row.cpu_ms:.2f} ms",
        "of ours": lambda _, row: f"{row.cpu_ms / ours:.1f}x",
        "requests per task": lambda _, row: f"{row.requests:.1f}",
        "peak memory per task": lambda _, row: f"{row.kib:,.0f} KiB",
    }
    return of_story("calm", found, columns)


def storm(found: Mapping[str, Mapping[str, Row]]) -> str:
    """What the ledger of a bad day says."""
    columns: Columns = {
        "tasks for prompts": lambda name, row: f"{row.tasks} / {STORIES['storm'].prompts(name)}",
        "paid twice": lambda _, row: f"{row.twice}",
        "paid, caller told nothing": lambda _, row: f"{row.orphans}",
        "videos": lambda _, row: (
            f"{row.succeeded}" + (f" + {row.uncertain} reported" if row.uncertain else "")
        ),
        "seconds": lambda _, row: f"{row.seconds:.0f}",
    }
    return of_story("storm", found, columns)


def quotas(found: Mapping[str, Mapping[str, Row]]) -> str:
    """Who brings everything home inside an account's quotas."""
    columns: Columns = {
        "videos": lambda name, row: f"{row.succeeded} / {STORIES['quotas'].prompts(name)}",
        "paid, caller told nothing": lambda _, row: f"{row.orphans}",
        "requests per task": lambda _, row: f"{row.requests:.1f}",
        "seconds": lambda _, row: f"{row.seconds:.0f}",
    }
    return of_story("quotas", found, columns)


def weights(found: Mapping[str, Mapping[str, Row]]) -> str:
    """What it takes before anything is asked."""
    rows = {name: (f"{import_ms(name):.0f} ms", f"{installed_mb(name):.0f} MB") for name in found}
    return laid("Weight", ("import", "installed"), rows)


def of_story(story: str, found: Mapping[str, Mapping[str, Row]], columns: Columns) -> str:
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


def lazy_import() -> str:
    """Say what the package's own name costs: its public names load when they are first used."""
    ours, floor = statement_ms("import seedance_async"), statement_ms("import aiohttp")
    return (
        f"`import seedance_async` alone takes {ours:.0f} ms, {ours / floor:.2f}x `import aiohttp` "
        f"({floor:.0f} ms): "
        "public names load when they are first used. The table counts the session with all that it needs."
    )


def page(found: Mapping[str, Mapping[str, Row]]) -> str:
    """Write the table with where and when it was measured."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git the developer has
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    description = (__doc__ or "").partition("\n\n")[2].strip()
    return (
        "# Benchmarks\n\n"
        "<!-- Written by `make bench`; do not edit by hand. -->\n\n"
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, commit {commit}, {machine}.\n\n"
        f"{description.replace('``', '`')}\n\n{tables(found)}\n\n{lazy_import()}\n"
    )


def main() -> None:
    """Measure, print the table, and write the page where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, help="page to write")
    options = parser.parse_args()
    found = measure()
    print(tables(found), lazy_import(), sep="\n\n")
    if options.write is not None:
        options.write.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
