"""One prompt, one video: the three steps one by one, with what happens meanwhile."""

from __future__ import annotations

import asyncio

from seedance_async import SeedanceError, SeedanceSession, VideoTask, wait_for


def tell(task: VideoTask) -> None:
    """Print every change of the task."""
    print(task.id, task.status.value)


async def main() -> None:
    """Order a video, wait for it, and save it as cat.mp4."""
    async with SeedanceSession() as session:
        try:
            task = await session.submit("A ginger cat surfs a long green wave.", ratio="16:9", duration=5)
            done = await wait_for(session, task, timeout=1800, on_update=tell)
            path = await session.download(done, "cat.mp4")
        except SeedanceError as error:
            print(f"{type(error).__name__}: {error} (billed: {error.billed.value})")
            raise SystemExit(1) from error
        tokens = done.usage.completion_tokens if done.usage else 0
        print(f"{path}: {path.stat().st_size} bytes for {tokens} tokens")


if __name__ == "__main__":
    asyncio.run(main())
