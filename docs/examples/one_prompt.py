"""One prompt, one video, with what happens meanwhile.

Each run orders a new video; a batch with a journal (resume.py) does not.
"""

from __future__ import annotations

import asyncio

from seedance_async import SeedanceError, SeedanceSession, VideoTask


def tell(task: VideoTask) -> None:
    """Print every change of the task."""
    print(task.id, task.status.value)


async def main() -> None:
    """Order a video, wait for it, and save it as cat.mp4."""
    async with SeedanceSession() as session:
        try:
            # A cat.mp4 that is there already is found before anything is paid for.
            video = await session.run(
                "A ginger cat surfs a long green wave.",
                ratio="16:9",
                duration=5,
                timeout=1800,
                on_update=tell,
                save_to="cat.mp4",
            )
        except SeedanceError as error:
            print(f"{type(error).__name__}: {error} (billed: {error.billed.value})")
            raise SystemExit(1) from error
        print(f"{video.path} for {video.task.tokens if video.task else 0} tokens")


if __name__ == "__main__":
    asyncio.run(main())
