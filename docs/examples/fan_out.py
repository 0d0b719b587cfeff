"""A hundred prompts at once, within the limits of the account, each with its own outcome."""

from __future__ import annotations

import asyncio
from collections import Counter

from seedance_async import AccountLimits, OutcomeKind, SeedanceSession, VideoRequest

PLACES = ("a harbour", "a mountain hut", "a night train", "a greenhouse", "an empty theatre")
LIGHTS = ("at dawn", "at noon", "at dusk", "by night", "in fog")
MOVES = ("the camera glides forward", "seen from above", "a slow pan", "handheld, close")


def requests() -> list[VideoRequest]:
    """Every combination: 5 x 5 x 4 prompts."""
    prompts = [f"{place} {light}, {move}" for place in PLACES for light in LIGHTS for move in MOVES]
    return [VideoRequest(prompt=prompt, duration=4, resolution="480p") for prompt in prompts]


async def main() -> None:
    """Make them all; what fails hurts nobody else."""
    counts: Counter[OutcomeKind] = Counter()
    async with SeedanceSession(limits=AccountLimits.enterprise()) as session:
        async for outcome in session.run_many(requests(), journal="fan-out.db", save_to="fan-out/"):
            counts[outcome.kind] += 1
            if outcome.kind is not OutcomeKind.SUCCEEDED:
                print(f"{outcome.key}: {outcome.kind.value}: {outcome.error}")
    print(", ".join(f"{number} {kind.value}" for kind, number in counts.items()))


if __name__ == "__main__":
    asyncio.run(main())
