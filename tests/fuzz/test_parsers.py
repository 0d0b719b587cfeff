"""Parsers against spoiled input; `python -m tests.fuzz` goes on for as long as one likes."""

from __future__ import annotations

from random import Random

import pytest

from seedance_async._wire.refusals import retry_after_of
from tests.fuzz.corpus import seeds
from tests.fuzz.mutations import spoiled
from tests.fuzz.targets import TARGETS

ROUNDS = 300


@pytest.mark.parametrize("target", TARGETS)
def test_a_parser_reads_what_is_well_formed_and_refuses_the_rest(target: str) -> None:
    """Nothing but the project's own errors comes out of a parser, whatever comes in."""
    starts, chance = seeds(target), Random(20261122)
    for start in starts:
        TARGETS[target](start)
    for number in range(ROUNDS):
        given = spoiled(chance.choice(starts), chance, starts)
        try:
            TARGETS[target](given)
        except Exception as error:
            error.add_note(f"round {number}: {given!r}")
            raise


@pytest.mark.parametrize(
    ("given", "wait"), [("\x1f1", 1.0), ("9" * 400, 366 * 86_400.0), ("\u0661", None), ("\xb2", None)]
)
def test_a_waiting_time_that_was_found_by_fuzzing(given: str, wait: float | None) -> None:
    """Odd blanks, endless and foreign digits in Retry-After are read or left, and raise nothing."""
    assert retry_after_of(given, 1_700_000_000.0) == wait


def test_fuzzing_starts_behind_the_first_check() -> None:
    """Enough seeds of an answer read as a record that spoiling them reaches the parser's depth."""
    read = [start for start in seeds("record") if _is_read(start)]
    assert len(read) >= 15


def _is_read(start: bytes) -> bool:
    """Tell whether a record is made of an input."""
    from seedance_async._wire.protocol import read_record
    from seedance_async.errors import SeedanceError
    from tests.fuzz.targets import answer

    try:
        return bool(read_record(answer(start)))
    except SeedanceError:
        return False
