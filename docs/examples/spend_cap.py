"""A batch that never spends more than it may, over all its runs together."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from seedance_async import Budget, OutcomeKind, SeedanceSession, VideoRequest, estimate
from seedance_async.prices import CNY

REQUESTS = [VideoRequest(prompt=f"a paper boat, take {number}", duration=5) for number in range(1, 9)]
CAP = Decimal("7.00")


async def main() -> None:
    """Reserve the most that each video may cost before it is ordered; what does not fit is left out."""
    most = sum(estimate(request).tokens for request in REQUESTS)
    print(f"all {len(REQUESTS)} together bill at most {most} tokens; the cap is {CAP} {CNY.currency}")
    budget = Budget(cost=CAP, prices=CNY)
    spent = 0
    async with SeedanceSession() as session:
        outcomes = session.run_many(REQUESTS, journal="boats.db", save_to="boats/", budget=budget)
        async for outcome in outcomes:
            if outcome.kind is OutcomeKind.SKIPPED:
                print(f"{outcome.key}: left out: {outcome.error}")
            elif outcome.task is not None and outcome.task.usage is not None:
                spent += outcome.task.usage.completion_tokens
    print(f"{spent} tokens were billed")


if __name__ == "__main__":
    asyncio.run(main())
