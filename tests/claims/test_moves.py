"""The moves of a job are the same in the journal and in shared claims."""

from __future__ import annotations

import pytest

from seedance_async.errors import JournalError
from seedance_async.ledger._moves import ALLOWED
from seedance_async.ledger.rows import JobState
from tests.claims.stores import Stand, bring, verbs

pytestmark = [pytest.mark.asyncio, pytest.mark.parametrize("stand", ["sqlite", "memory"], indirect=True)]


async def test_every_move_is_allowed_from_the_states_of_the_table_and_from_no_other(stand: Stand) -> None:
    """One key never has two tasks: a move that does not fit is an error and changes nothing."""
    async with stand.open() as book:
        for state in JobState:
            for verb in ("sending", "accepted", "refused", "absent", "uncertain", "saved", "reset"):
                key = f"{state}-{verb}"
                await bring(book, key, state)
                move = verbs(book, key)[verb]
                if verb == "accepted":
                    move = lambda key=key: book.accepted(key, f"cgt-new-{key}")  # noqa: E731
                if state in ALLOWED[verb]:
                    await move()
                else:
                    with pytest.raises(JournalError):
                        await move()
                    assert (await book.states([key]))[key] is state
