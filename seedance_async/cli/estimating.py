"""``seedance estimate`` and ``models``: what can be known without asking a server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import asdict

from seedance_async.cli.commands import command
from seedance_async.cli.exits import OK
from seedance_async.cli.fields import fields_of, names_a_file, request_options
from seedance_async.cli.money import UNCONFIRMED, currency_option, price_table, show_estimates
from seedance_async.cli.opening import server_options
from seedance_async.cli.records import wants_json, write_json, write_text
from seedance_async.cli.tables import Column, table
from seedance_async.cli.wrapping import fitted

if TYPE_CHECKING:
    from seedance_async.catalog import ModelSpec
    from seedance_async.prices import PriceTable

__all__ = ["estimate_command", "models_command"]

_COLUMNS: Final = (
    Column("model"),
    Column("seconds", right=True),
    Column("resolutions"),
    Column("per million tokens", right=True, rank=1),
    Column("sound", rank=2),
    Column("images", right=True, rank=3),
    Column("drafts", rank=5),
    Column("flex", rank=6),
)


@command("estimate")
@click.argument("prompt", required=False)
@click.option("-f", "--file", metavar="FILE", help="Estimate every line of a file of prompts.")
@request_options
@currency_option
@server_options
def estimate_command(prompt: str | None, file: str | None, **options: Any) -> int:
    """Say how many tokens PROMPT may bill at most, and the price; or every line of a file. Sends nothing."""
    if file is None and names_a_file(prompt):
        prompt, file = None, prompt
    if file is None:
        from seedance_async.request import VideoRequest

        show_estimates([(None, VideoRequest(prompt=prompt, **fields_of(options)))], options)
        return OK
    from seedance_async.cli.files import requests_of

    if prompt is not None:
        raise click.UsageError("give a PROMPT or --file, not both")
    show_estimates(requests_of(file, written=None, defaults=fields_of(options)), options)
    return OK


@command("models")
@currency_option
def models_command(**options: Any) -> int:
    """List the models that this version knows, and what each accepts. Sends nothing."""
    from seedance_async.catalog import SPECS

    prices = price_table(options)
    if wants_json(options["as_json"]):
        for name, spec in SPECS.items():
            money = {"currency": prices.currency, "price": _prices(spec, prices)}
            write_json({"model": name, **asdict(spec), **money, "unconfirmed": _unconfirmed(spec, prices)})
        return OK
    rows = [_row(name, spec, prices) for name, spec in SPECS.items()]
    for line in table(_COLUMNS, rows):
        write_text(line)
    if any(_unconfirmed(spec, prices) for spec in SPECS.values()):
        _say(f"{UNCONFIRMED}: no official page confirms this price.")
    for name, spec in SPECS.items():
        if spec.quota_4k is not None:
            most = spec.quota_4k
            _say(f"At 4k: {name}, {most.creates_per_minute} creates a minute, {most.running} running.")
    _say("Ids may begin with doubao- or dreamina-; other models and ep- ids pass unchecked.")
    return OK


def _say(text: str) -> None:
    """Write a sentence, broken between words where a terminal shows it."""
    write_text(fitted(text, sys.stdout))


def _prices(spec: ModelSpec, prices: PriceTable) -> list[str]:
    """Give the prices of a model, each once."""
    return list(dict.fromkeys(str(rate.price) for rate in prices.rates if rate.model == spec.family))


def _unconfirmed(spec: ModelSpec, prices: PriceTable) -> list[str]:
    """Give those prices of a model that no official page confirms."""
    rates = [rate for rate in prices.rates if rate.model == spec.family and not rate.confirmed]
    return list(dict.fromkeys(str(rate.price) for rate in rates))


def _row(name: str, spec: ModelSpec, prices: PriceTable) -> tuple[object, ...]:
    """Give the cells of one model."""
    guesses = _unconfirmed(spec, prices)
    known = [f"{price}{UNCONFIRMED if price in guesses else ''}" for price in _prices(spec, prices)]
    return (
        name,
        f"{spec.min_duration}-{spec.max_duration}",
        " ".join(spec.resolutions),
        f"{prices.currency} {'/'.join(known)}" if known else None,
        spec.audio,
        spec.max_images or None,
        spec.draft,
        spec.flex,
    )
