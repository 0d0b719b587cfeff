"""Cheap drafts of everything first; finals only of those that somebody liked.

``python draft_then_final.py`` makes the drafts, ``python draft_then_final.py door`` then finishes one.
A final keeps prompt, pictures, seed and length of its draft.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from seedance_async import SeedanceSession, VideoRequest, draft_then_final

if TYPE_CHECKING:
    from seedance_async.batch import Job

PROMPTS = {
    "door": "A heavy door opens by itself; behind it the sea.",
    "stairs": "Light falls down a spiral staircase, step by step.",
}


async def main(*approved: str) -> None:
    """Make all drafts and the approved finals; what is there already is not ordered again.

    Args:
        *approved: keys of the drafts to finish.
    """
    jobs: list[Job] = []
    for key, prompt in PROMPTS.items():
        draft, final = draft_then_final(key, VideoRequest(prompt=prompt, duration=5), resolution="1080p")
        jobs += [draft, final] if key in approved else [draft]
    async with SeedanceSession() as session:
        async for outcome in session.run_many(jobs, journal="drafts.db", save_to="drafts/"):
            print(f"{outcome.key}: {outcome.kind.value} {outcome.path or outcome.error}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
