"""The storm: a fifth of all creates goes wrong, and every prompt has one task or a word that says so."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from benchmarks.storm import Weather, ours

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

WEATHER = Weather(prompts=80)


@pytest.mark.parametrize("seed", [7, 8])
async def test_every_prompt_becomes_one_task(seed: int) -> None:
    """80 prompts, 80 tasks, 80 finished videos, none paid for twice."""
    ledger = await ours(evolve(WEATHER, seed=seed))
    assert (ledger.tasks, ledger.succeeded, ledger.twice) == (80, 80, 0)
    assert (ledger.uncertain, ledger.failed, ledger.orphans) == (0, 0, 0)


@pytest.mark.parametrize("seed", [7, 8])
async def test_without_a_list_nothing_is_guessed(seed: int) -> None:
    """With the list off: none twice, and who gets no video is told that a task may exist."""
    ledger = await ours(evolve(WEATHER, list_supported=False, seed=seed))
    assert (ledger.twice, ledger.failed, ledger.orphans) == (0, 0, 0)
    assert ledger.uncertain > 0
    assert ledger.succeeded + ledger.uncertain == 80
    assert ledger.succeeded <= ledger.tasks <= 80


async def test_lists_stay_within_the_accounts_pace() -> None:
    """Searches and the watcher together ask for at most one list a second."""
    begun = asyncio.get_running_loop().time()
    ledger = await ours(WEATHER)
    assert ledger.lists <= asyncio.get_running_loop().time() - begun + 1.0
