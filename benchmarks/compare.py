"""This library beside others: the same stories on the same simulated server, in one run.

``make bench`` (``python -m benchmarks.compare [--write docs/reference/benchmarks.md]``) lets every contender
(`benchmarks/contenders.py`), each in a process of its own on a fresh server in another, live three stories:

* calm: nothing goes wrong and no quota is kept; what a task costs in processor time, requests and memory;
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

from attrs import frozen

from benchmarks.contenders import CLIENTS, CONTENDERS
from benchmarks.weights import import_ms, installed_mb, statement_ms

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

ONE_PROCESS_EACH = "zjandrew-seedance-cli"
STORM = """
about = "Lost answers on both sides of acceptance, slow-downs and failing reads; nothing hangs."
[[faults]]
kind = "reset"
when = "after"
times = "always"
probability = 0.05
[[faults]]
kind = "status"
when = "after"
times = "always"
probability = 0.05
[[faults]]
kind = "status"
when = "before"
times = "always"
probability = 0.10
[[faults]]
kind = "reset"
when = "before"
times = "always"
probability = 0.05
[[faults]]
kind = "status"
when = "before"
times = "always"
probability = 0.05
status = 429
[[faults]]
kind = "html"
route = "get"
times = "always"
probability = 0.04
[[faults]]
kind = "html"
route = "list"
times = "always"
probability = 0.04
"""
QUOTAS = """
about = "The quotas of an account."
[quotas]
gets_per_second = 20
lists_per_second = 1
max_running = 20
"""
CALM = """
about = "Nothing goes wrong, no quota is kept."
[quotas]
preset = "off"
"""


@frozen(kw_only=True)
class Row:
    """One contender's figures in one story."""

    cpu_ms: float
    requests: float
    kib: float
    seconds: float
    succeeded: int
    uncertain: int
    tasks: int
    twice: int
    orphans: int


@frozen(kw_only=True)
class Setting:
    """A story's server and size.

    Attributes:
        scenario: TOML of the server.
        count: prompts.
        few: prompts of the contender that starts a process for each.
        work_seconds: seconds that a task runs.
        quotas: whether the contender may be told that there are quotas.
    """

    scenario: str
    count: int
    few: int
    work_seconds: float
    quotas: bool = True

    def prompts(self, name: str) -> int:
        """Say how many prompts a contender gets."""
        return self.few if name == ONE_PROCESS_EACH else self.count


STORIES = {
    "calm": Setting(scenario=CALM, count=200, few=16, work_seconds=6.0, quotas=False),
    "storm": Setting(scenario=STORM, count=100, few=40, work_seconds=3.0),
    "quotas": Setting(scenario=QUOTAS, count=150, few=40, work_seconds=3.0),
}


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
        calm = servers.enter_context(server(CALM, 0.1))
        url = servers.enter_context(server(setting.scenario, setting.work_seconds))
        story = {"url": url, "calm_url": calm, "count": count, "interval": 1.0, "quotas": setting.quotas}
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.contenders", name, json.dumps(story)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        told = json.loads(done.stdout)
        return row(told, count, asked(url, "ledger"), asked(url, "state")["counts"])


def row(told: Mapping[str, Any], count: int, ledger: list[dict[str, Any]], counts: Mapping[str, int]) -> Row:
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


def table(found: Mapping[str, Mapping[str, Row]]) -> str:
    """Lay them side by side, as Markdown; ratios are against this library."""
    ours = found["seedance_async"]
    head = [
        "client", "CPU per task", "requests per task", "memory per task in flight",
        "storm: tasks for prompts", "paid twice", "paid, caller told nothing", "storm: videos",
        "storm: seconds", "quotas: videos", "quotas: seconds", "import", "installed",
    ]  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, rows in found.items():
        calm, storm, quotas = rows["calm"], rows["storm"], rows["quotas"]
        ratio = calm.cpu_ms / ours["calm"].cpu_ms
        cells = [
            name, f"{calm.cpu_ms:.2f} ms ({ratio:.1f}x)", f"{calm.requests:.1f}", f"{calm.kib:,.0f} KiB",
            f"{storm.tasks} / {STORIES['storm'].prompts(name)}", f"{storm.twice}", f"{storm.orphans}",
            f"{storm.succeeded}" + (f" + {storm.uncertain} reported" if storm.uncertain else ""),
            f"{storm.seconds:.0f}",
            f"{quotas.succeeded} / {STORIES['quotas'].prompts(name)}", f"{quotas.seconds:.0f}",
            f"{import_ms(name):.0f} ms", f"{installed_mb(name):.0f} MB",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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
        f"{table(found)}\n\n{lazy_import()}\n\n{description.replace('``', '`')}\n"
    )


def main() -> None:
    """Measure, print the table, and write the page where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, help="page to write")
    options = parser.parse_args()
    found = measure()
    print(table(found), lazy_import(), sep="\n\n")
    if options.write is not None:
        options.write.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
