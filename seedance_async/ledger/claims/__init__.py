"""Shared claims: an intent store for several machines that work on one account.

Before a POST goes out its claim is durable in a store that all machines see, and the task's id right after.
A job is claimed by one machine at a time; a claim whose owner died is taken over by exactly one other, which
looks for the task before anything is sent again::

    async with Claims.open("s3://bucket/claims") as claims:
        task = await session.order(request, key="cat", intents=claims)

The order is: slot and turn, durable claim, POST, durable id; a session keeps it anyway. With the claim before
the turn, a machine that dies would leave all those jobs in doubt that wait for theirs.
"""

from __future__ import annotations

from seedance_async.errors import ClaimHeld
from seedance_async.ledger.claims.book import Claims
from seedance_async.ledger.claims.claim import Claim, Owner

__all__ = ["Claim", "ClaimHeld", "Claims", "Owner"]
