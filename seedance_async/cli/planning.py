"""``seedance plan``: what a file of prompts will take, before anything is paid for."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import click

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import OK
from seedance_async.cli.fields import fields_of, request_options
from seedance_async.cli.money import currency_option, money, price_table
from seedance_async.cli.opening import server_options
from seedance_async.cli.records import wants_json, write_json, write_text
from seedance_async.cli.reporting import tell
from seedance_async.cli.tables import Column, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seedance_async.planning import Load, Plan, PlannedAccount, RunTimes
    from seedance_async.planning.plan import LanePlan

__all__ = ["plan_command"]

_FORMATS: Final = ("jsonl", "csv", "tsv", "parquet")
_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_COLUMNS: Final = (
    Column("plan"),
    Column("done in", right=True),
    Column("range", right=True, rank=1),
    Column("flex", right=True, rank=2),
    Column("tokens", right=True, rank=3),
    Column("price at most", right=True),
)


@command("plan")
@click.argument("file", type=click.Path(allow_dash=True))
@setting(
    "--accounts",
    default="enterprise",
    show_default=True,
    metavar="LIST",
    help="enterprise, individual or unlimited; several as in 2xenterprise,individual.",
)
@setting("--max-alive", type=click.IntRange(min=1), help="Tasks alive at once on each account.")
@setting("--flex-alive", type=click.IntRange(min=1), help="Flex tasks alive at once on each. Default: 2000.")
@setting("--max-running", type=click.IntRange(min=1), help="Tasks that the server runs at once.")
@setting("--journal", metavar="FILE", help="Learn run times and failures from the journal of a batch.")
@click.option("--flex", is_flag=True, help="Also show the plan with all that may go there in the flex tier.")
@setting("--deadline", metavar="TIME", help="Also show the cheapest plan that is done by then: 90m, 8h, 2d.")
@setting("--flex-hours", nargs=2, type=float, help="Hours, from and to, that a flex task takes.")
@setting("--sample", type=click.IntRange(100, 100_000), help="Prompts rehearsed for each account at most.")
@setting("--format", type=click.Choice(_FORMATS), help="How FILE is written. Default: by its ending.")
@currency_option
@request_options
@server_options
def plan_command(file: str, **options: Any) -> int:
    """Say when the prompts in FILE would be done, what they cost, and what holds them up. Sends nothing.

    The program itself rehearses the batch against the simulator, on a clock that jumps over the waiting. Up
    to some thousand prompts are rehearsed one by one, more are extrapolated, and the plan says so.
    """
    accounts = _accounts(options)
    load = _load(file, options)
    runs = _runs(options)
    plans = [(name, _planned(part, accounts, runs, options)) for name, part in _loads(load, runs, options)]
    if wants_json(options["as_json"]):
        for name, one in plans:
            write_json(_record(name, one, load))
    else:
        _show(plans, load)
    return OK


def _load(file: str, options: Mapping[str, Any]) -> Load:
    """Count the file.

    Raises:
        InvalidRequest: naming the bad lines; of standard input, which can be read only once, the first.
    """
    from seedance_async.cli.files import check_file, read_jobs
    from seedance_async.errors import InvalidRequest
    from seedance_async.planning import Load

    written, defaults = options["format"], fields_of(options)
    try:
        return Load.of(read_jobs(file, format=written, defaults=defaults), prices=price_table(options))
    except InvalidRequest:
        # Only now, because the check reads every local picture and planning only some.
        if file != "-":
            check_file(file, written, defaults)
        raise


def _accounts(options: Mapping[str, Any]) -> list[PlannedAccount]:
    """Read the accounts."""
    from attrs import evolve

    from seedance_async.planning import accounts_of

    found = list(accounts_of(options["accounts"]))
    if options["max_alive"] is not None:
        found = [account.with_alive(options["max_alive"]) for account in found]
    if options["max_running"] is not None:
        found = [account.with_running(options["max_running"]) for account in found]
    if options["flex_alive"] is not None:
        found = [evolve(account, flex_alive=options["flex_alive"]) for account in found]
    return found


def _runs(options: Mapping[str, Any]) -> RunTimes:
    """Learn from a journal, or take the default."""
    from attrs import evolve

    from seedance_async.cli.running import run_async
    from seedance_async.planning import RunTimes, runs_of_journal

    journal = options["journal"]
    runs = RunTimes() if journal is None else run_async(runs_of_journal(journal))
    return runs if options["flex_hours"] is None else evolve(runs, flex_hours=options["flex_hours"])


def _loads(load: Load, runs: RunTimes, options: Mapping[str, Any]) -> Iterator[tuple[str, Load]]:
    """Give the batch as it is written, and as it is asked to be spread."""
    from seedance_async.planning import allocate

    accounts = _accounts(options)
    yield "as written", load
    if options["flex"]:
        chosen = allocate(load, deadline=None, accounts=accounts, runs=runs)
        if not chosen.flex:
            tell("No prompt may go to the flex tier: only 1.0 and 1.5 models, without priority and draft.")
        yield "flex", load.moved(dict(chosen.flex))
    if options["deadline"] is not None:
        chosen = allocate(load, deadline=seconds_of(options["deadline"]), accounts=accounts, runs=runs)
        if not chosen.holds:
            tell(f"The deadline of {options['deadline']} cannot be held with these accounts.")
        yield f"by {options['deadline']}", load.moved(dict(chosen.flex))


def seconds_of(text: str) -> float:
    """Read ``90m``, ``8h`` or ``2d``.

    Raises:
        click.BadParameter: it is not written like that.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None or not float(found[1]):
        raise click.BadParameter(f"{text!r} is no time such as 90m, 8h or 2d", param_hint="--deadline")
    return float(found[1]) * _UNITS[found[2]]


def _planned(load: Load, accounts: list[PlannedAccount], runs: RunTimes, options: Mapping[str, Any]) -> Plan:
    """Plan one load."""
    from seedance_async.planning import plan
    from seedance_async.settings import PollPolicy

    poll = None if options.get("interval") is None else PollPolicy(interval=options["interval"])
    return plan(load, accounts=accounts, runs=runs, sample=options["sample"], poll=poll)


def _show(plans: list[tuple[str, Plan]], load: Load) -> None:
    """Write the plans side by side, then each by its lanes."""
    for line in table(_COLUMNS, [_row(name, one) for name, one in plans]):
        write_text(line)
    for name, one in plans:
        write_text("")
        for line in _details(name, one):
            write_text(line)
    if load.links:
        write_text(f"{load.links:,} jobs of chains are left out: their requests are made when they are due.")


def _row(name: str, one: Plan) -> tuple[object, ...]:
    """Give the cells of one plan."""
    flex = sum(lane.prompts * lane.accounts for lane in one.lanes if lane.tier == "flex")
    between = f"{span(one.quickest)} to {span(one.slowest)}"
    cost = money(one.cost, one.currency)
    return name, span(one.seconds), between, flex or None, one.tokens, cost


def _details(name: str, one: Plan) -> Iterator[str]:
    """Say in lines what a plan is made of."""
    yield f"{name}: {_prompts(one.prompts)}, run times from {one.runs}"
    likely = money(one.cost_likely, one.currency)
    missing = f" ({one.unpriced:,} without a known price)" if one.unpriced else ""
    yield f"  likely {one.tokens_likely:,} tokens, {likely}{missing}"
    yield f"  bytes: {size(one.uploaded)} up, about {size(one.downloaded)} of videos down"
    yield f"  requests: {', '.join(f'{count:,} {route}' for route, count in one.requests.items() if count)}"
    for lane in one.lanes:
        yield from _lane(lane)


def _lane(lane: LanePlan) -> Iterator[str]:
    """Say what one lane does."""
    crowd = f"{lane.accounts} x {lane.account}" if lane.accounts > 1 else lane.account
    how = (
        "all rehearsed"
        if lane.rehearsed == lane.prompts
        else f"{lane.rehearsed:,} rehearsed, the rest extrapolated"
    )
    each = f"{_prompts(lane.prompts)}{' each' if lane.accounts > 1 else ''}"
    yield f"  {crowd}, tier {lane.tier}: {each} ({how}), {span(lane.seconds)}"
    used = ", ".join(
        f"{route} {use.rate:.1f} of {use.limit:g} a {use.per} ({use.share:.0%})"
        for route, use in lane.usage.items()
        if not math.isinf(use.limit)
    )
    yield f"    while full: {used or 'no limits'}"
    yield f"    waits for {lane.bottleneck}"
    if lane.refusals:
        yield f"    {lane.refusals:,} of the rehearsed prompts were refused by the simulated server"


def _prompts(count: int) -> str:
    """Count prompts in words."""
    return "1 prompt" if count == 1 else f"{count:,} prompts"


def _record(name: str, one: Plan, load: Load) -> dict[str, Any]:
    """Give a plan as an object."""
    from attrs import asdict

    return {
        "plan": name,
        "prompts": one.prompts,
        "seconds": round(one.seconds, 1),
        "seconds_range": [round(one.quickest, 1), round(one.slowest, 1)],
        "exact": one.exact,
        "tokens": one.tokens,
        "tokens_likely": one.tokens_likely,
        "price": f"{one.cost:.4f}",
        "price_likely": f"{one.cost_likely:.4f}",
        "currency": one.currency,
        "unpriced": one.unpriced,
        "bytes_up": one.uploaded,
        "bytes_down": one.downloaded,
        "requests": dict(one.requests),
        "bottleneck": one.bottleneck,
        "runs": one.runs,
        "links": load.links,
        "lanes": [asdict(lane, value_serializer=_finite) for lane in one.lanes],
    }


def _finite(_owner: object, _attribute: object, value: object) -> object:
    """JSON knows no infinity: no limit is null."""
    return None if isinstance(value, float) and math.isinf(value) else value


def span(seconds: float) -> str:
    """Write a length of time for a person."""
    minutes = seconds / 60
    if minutes < 2:  # noqa: PLR2004 - below this seconds say more
        return f"{seconds:.0f} s"
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 4320 else f"{minutes / 1440:.1f} days"  # noqa: PLR2004 - 3 days


def size(count: int) -> str:
    """Write a number of bytes for a person."""
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:  # noqa: PLR2004 - decimal units
        amount, units = amount / 1000, units[1:]
    return f"{amount:.1f} {units[0]}"
