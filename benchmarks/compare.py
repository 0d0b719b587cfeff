"""This library beside others: the same stories on the same simulated server, in one run.

``make bench`` (``python -m benchmarks.compare [--write docs/reference/benchmarks.md]``) lets every contender
(`benchmarks/contenders.py`), each in a process of its own on a fresh server in another, live three stories:

* calm: nothing goes wrong and no quota is kept; what a task costs in processor time, requests and memory (see
  below);
* storm: of a hundred creates 10 are accepted and their answer lost, 15 lost without effect, 5 told to slow
  down, and 4 % of reads fail; what the server's ledger says afterwards;
* quotas: 600 creates a minute, 20 looks and one list a second, 20 tasks at work at once, and 100 alive, past
  which the server refuses.

Memory per task in flight is a peak: the most that the process grew by, divided by the prompts, which are
all submitted at once and then all in flight. For this library that peak is in the submits, with a connection
each; a task that is only waited for takes 2 KiB, as `benchmarks/watch_scale.py` measures. A client that
starts a process for each prompt (zjandrew-seedance-cli, eight at a time, fewer prompts) has it for one task.

It also weighs what is installed, and times the import. In brackets stands the ratio to this library, wherever
there is one: how many tasks and videos there were is no ratio, nor are the seconds of fewer prompts; and who
gives up early is done early. Figures are of one run on a shared machine: the ratios are worth more than the
milliseconds. Nothing leaves the loopback interface; it takes five minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from benchmarks.contenders import CONTENDERS
from benchmarks.machine import machine
from benchmarks.stories import CALM, STORIES, Row, Setting
from benchmarks.tables import tables
from benchmarks.weights import missing, statement_ms, weighed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


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


def measure(names: list[str]) -> dict[str, dict[str, Row]]:
    """Run every story with every contender, one after the other."""
    found: dict[str, dict[str, Row]] = {}
    for story, setting in STORIES.items():
        for name in names:
            found.setdefault(name, {})[story] = live(name, setting)
            print(f"{story:8} {name:24} {found[name][story]}", file=sys.stderr)
    return found


def lazy_import() -> str:
    """Say what the package's own name costs: its public names load when they are first used."""
    ours, floor = statement_ms("import seedance_async"), statement_ms("import aiohttp")
    return (
        f"`import seedance_async` alone takes {ours:.0f} ms, {ours / floor:.2f}x `import aiohttp` "
        f"({floor:.0f} ms): "
        "public names load when they are first used. The table counts the session with all that it needs."
    )


def page(figures: str) -> str:
    """Write the figures down with where and when they were measured."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git the developer has
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    description = (__doc__ or "").partition("\n\n")[2].strip()
    return (
        "# Benchmarks\n\n"
        "<!-- Written by `make bench`; do not edit by hand. -->\n\n"
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, commit {commit}, on {machine()}.\n\n"
        f"{description.replace('``', '`')}\n\n{figures}\n"
    )


def main() -> None:
    """Measure, print the tables, and write the page where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, help="page to write; all contenders must be there")
    options = parser.parse_args()
    absent = missing()
    if options.write is not None and absent:
        parser.error(f"a page without {', '.join(absent)} would be half a comparison: run `make clients`")
    names = [name for name in CONTENDERS if name not in absent]
    figures = f"{tables(measure(names), {name: weighed(name) for name in names})}\n\n{lazy_import()}"
    print(figures)
    if options.write is not None:
        options.write.write_text(page(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
