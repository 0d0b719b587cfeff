"""A story in five shots, each beginning with the last frame of the one before."""

from __future__ import annotations

import asyncio

from seedance_async import OutcomeKind, SeedanceSession, shots

STORY = (
    "A lighthouse keeper climbs the stairs, a lantern in his hand.",
    "He steps out onto the gallery; the wind tears at his coat.",
    "Far out a ship's lamp blinks three times.",
    "He lifts the lantern and answers, three slow swings.",
    "The ship turns; dawn breaks behind it.",
)


async def main() -> None:
    """Make story.1 to story.5; where one fails, the shots after it are skipped and cost nothing."""
    jobs = shots("story", [{"prompt": prompt, "duration": 5, "ratio": "16:9"} for prompt in STORY])
    async with SeedanceSession() as session:
        async for outcome in session.run_many(jobs, journal="story.db", save_to="story/{key}.mp4"):
            if outcome.kind is OutcomeKind.SUCCEEDED:
                print(f"{outcome.key}: {outcome.path}")
            else:
                print(f"{outcome.key}: {outcome.kind.value}: {outcome.error}")


if __name__ == "__main__":
    asyncio.run(main())
