"""A batch that may be killed at any moment: start it again, and it goes on.

Ctrl-C stops it gracefully.  After a crash, a ``kill -9`` or a power cut there is nothing to repair either:
the journal knows what was ordered, and an order whose answer got lost is looked for before anything new.
"""

from __future__ import annotations

import asyncio

from seedance_async import Journal, OutcomeKind, SeedanceSession, StopSwitch

PROMPTS = {
    "door": "A heavy door opens by itself.",
    "stairs": "Light falls down a spiral staircase.",
    "hall": "Dust dances in an empty hall.",
    "window": "A window opens onto the sea.",
}


async def main() -> None:
    """Run what is left of the batch, or all of it; then say where everything stands."""
    switch = StopSwitch()
    async with SeedanceSession() as session:
        with switch.on_signals():
            outcomes = session.run_many(PROMPTS.items(), journal="resume.db", save_to="resume/", stop=switch)
            async for outcome in outcomes:
                print(f"{outcome.key}: {outcome.kind.value}")
                if outcome.kind is OutcomeKind.UNCERTAIN:
                    print("  nobody knows yet; the next run looks for it and never orders it blindly")
    async with Journal.open("resume.db", read_only=True) as journal:
        async for row in journal.rows():
            print(f"{row.key}: {row.state.value}, {row.attempts} POST, {row.tokens or 0} tokens")


if __name__ == "__main__":
    asyncio.run(main())
