"""What a thousand prompts cost on a server that loses answers: this library beside the official SDK.

``python benchmarks/money.py [PROMPTS]`` rides the same storm (``benchmarks/storm.py``) five times, each time
on a fresh simulator with the same seed, and reads the result in the simulator's ledger: this library without
faults, with them, and with them and without a list; the official SDK without faults and with them.

Time is virtual (the loop's clock jumps over every sleep), so ``seconds`` are those of the story told, and the
run itself takes a few minutes. It prints a table, one JSON line and the verdict, and exits with 1 when the
promise is broken: one task for each prompt, all succeeded, none twice, within twice the time without faults
and the settling time; without a list none twice, and each lost one reported.
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from typing import TYPE_CHECKING, Any

import looptime
from attrs import asdict, evolve, fields

from benchmarks.storm import Ledger, Weather, official, ours
from seedance_async import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Coroutine

PROMPTS = 1000


def ride(storm: Coroutine[Any, Any, Ledger]) -> Ledger:
    """Run one storm on a loop with a virtual clock."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0.0)) as runner:
        return runner.run(storm)


def measure(prompts: int) -> dict[str, Ledger]:
    """Ride all storms, one after the other."""
    storm = Weather(prompts=prompts)
    calm = evolve(storm, faults=())
    return {
        "seedance_async, no faults": ride(ours(calm)),
        "seedance_async": ride(ours(storm)),
        "seedance_async, list off": ride(ours(evolve(storm, list_supported=False))),
        "official SDK, no faults": ride(official(calm)),
        "official SDK": ride(official(storm)),
    }


def table(found: dict[str, Ledger]) -> str:
    """Lay the ledgers side by side."""
    names = [item.name for item in fields(Ledger)]
    lines = [f"{'':26}" + "".join(f"{name:>10}" for name in names)]
    for who, ledger in found.items():
        lines.append(f"{who:26}" + "".join(f"{getattr(ledger, name):>10}" for name in names))
    return "\n".join(lines)


def broken(found: dict[str, Ledger]) -> list[str]:
    """Name the promises that do not hold."""
    calm, storm = found["seedance_async, no faults"], found["seedance_async"]
    blind = found["seedance_async, list off"]
    limit = 2 * calm.seconds + RetryPolicy().settling
    promises = {
        "one task for each prompt": storm.tasks == storm.prompts,
        "all succeeded": storm.succeeded == storm.prompts,
        "none twice": storm.twice == blind.twice == 0,
        f"within {limit:.0f} s": storm.seconds <= limit,
        "list off: each lost one is reported": blind.succeeded + blind.uncertain == blind.prompts,
    }
    return [promise for promise, kept in promises.items() if not kept]


def main() -> int:
    """Measure, print, judge."""
    warnings.simplefilter("ignore")  # of the SDK's own models
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else PROMPTS)
    print(table(found))
    print(json.dumps({who: asdict(ledger) for who, ledger in found.items()}))
    storm, blind = found["seedance_async"], found["seedance_async, list off"]
    print(f"{storm.tasks:,} tasks, {storm.succeeded:,} succeeded, {storm.twice} twice, {storm.seconds:.0f} s")
    print(f"list off: {blind.twice} twice, {blind.uncertain} uncertain, {blind.orphans} unreported")
    for promise in broken(found):
        print(f"BROKEN: {promise}")
    return 1 if broken(found) else 0


if __name__ == "__main__":
    sys.exit(main())
