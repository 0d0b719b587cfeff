"""``seedance demo``: the whole way from prompts to playable videos on the simulated server."""

from __future__ import annotations

import asyncio
import glob
import tempfile
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from seedance_async.cli.commands import command, setting
from seedance_async.cli.exits import worst
from seedance_async.cli.pages import page_written
from seedance_async.cli.reporting import tell
from seedance_async.cli.running import run_async
from seedance_async.cli.showing import show
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from seedance_async.batch import Job
    from seedance_async.outcomes import Outcome
    from seedance_async.progress import Progress
    from seedance_async.simulator import Simulator

__all__ = ["EXAMPLE", "demo_command"]

EXAMPLE: Final[dict[str, Any]] = {
    "model": "doubao-seedance-1-5-pro-251215",
    "content": [
        {"type": "text", "text": "The girl is holding a fox. ..."},
        {
            "type": "image_url",
            "image_url": {"url": "https://ark-project.tos-cn-beijing.volces.com/doc_image/i2v_foxrgirl.png"},
        },
    ],
    "ratio": "adaptive",
    "duration": 4,
    "watermark": False,
}
"""The example of the create call in the gateway's documentation (kkiai, model seedance-1-5-pro)."""

_CHINESE: Final = "\u6a58"


@command("demo")
@setting(
    "-o", "--out", metavar="DIR", default="demo-videos", show_default=True, help="Folder for the videos."
)
@setting("--work-seconds", type=float, default=1.5, show_default=True, help="Seconds that a task runs.")
@setting("--font", metavar="FILE", help="Font for the prompts in the pictures.")
def demo_command(**options: Any) -> int:
    """Show the whole way on a simulated server: no key, no cost, nothing leaves this machine.

    Sends the example of the API's documentation and a packaged file of prompts, and leaves one playable MP4
    each, and a page that shows them.
    """
    return run_async(_demo(options))


async def _demo(options: dict[str, Any]) -> int:
    """Run it, and say where to look."""
    from seedance_async.media.files import check_folder
    from seedance_async.media.gallery import write_gallery
    from seedance_async.progress import Progress
    from seedance_async.simulator import Simulator

    out, work = Path(options["out"]), options["work_seconds"]
    jobs = await asyncio.to_thread(_prompts)
    await asyncio.to_thread(_say_what_is_missing, options["font"])
    await asyncio.to_thread(check_folder, out)
    tell(f"Simulated: {len(jobs) + 1} prompts, no key, no cost. Ctrl-C stops.")
    try:
        # Videos appear under their names only when they are whole; the workshop goes away however this ends.
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=out) as workshop:
            async with Simulator(work_seconds=work, render=True, font=options["font"]) as sim:
                progress = Progress(total=len(jobs) + 1, noted=True)
                looker = None if options["quiet"] else progress
                outcomes = _moved(_outcomes(sim, jobs, Path(workshop), looker), out)
                shown = await show(outcomes, progress, options)
                billed = sim.billed
    except asyncio.CancelledError:
        tell(f"Stopped. Nothing half-written is left; start again with: seedance demo --out {out}")
        raise
    with page_written("--out", str(out)):
        page = await write_gallery(out, title="seedance demo")
    _epilogue(page, len(shown.codes), billed)
    return worst(shown.codes)


def _prompts() -> list[Job]:
    """Read the packaged prompts."""
    from seedance_async.cli.files import requests_of

    file = Path(__file__).parent.parent / "demo" / "prompts.jsonl"
    return list(requests_of(str(file), written="jsonl", defaults={}))


async def _outcomes(
    sim: Simulator, jobs: list[Job], workshop: Path, progress: Progress | None
) -> AsyncGenerator[Outcome]:
    """Send the example exactly as documented, then all prompts at once."""
    from seedance_async.cli.opening import watched
    from seedance_async.request import VideoRequest
    from seedance_async.session import SeedanceSession
    from seedance_async.settings import AccountLimits, PollPolicy, RetryPolicy

    observer, poll, limits = watched(progress), PollPolicy(interval=0.5), AccountLimits.unlimited()
    # The fingerprint would be one field more than the documented example has.
    plain = RetryPolicy(fingerprint=False)
    async with SeedanceSession(
        "demo-key", sim.kkiai_url, retry=plain, poll=poll, limits=limits, observer=observer
    ) as session:
        example = ("00-documented-example", VideoRequest(**EXAMPLE))
        async with aclosing(session.run_many([example], save_to=workshop)) as first:
            async for outcome in first:
                yield outcome
    async with (
        SeedanceSession("demo-key", sim.kkiai_url, poll=poll, limits=limits, observer=observer) as session,
        aclosing(session.run_many(jobs, save_to=workshop)) as rest,
    ):
        async for outcome in rest:
            yield outcome


async def _moved(outcomes: AsyncGenerator[Outcome], out: Path) -> AsyncGenerator[Outcome]:
    """Put each video into its place; one of an earlier demo gives way."""
    async with aclosing(outcomes):
        async for outcome in outcomes:
            if outcome.path is None:
                yield outcome
            else:
                yield evolve(outcome, path=await asyncio.to_thread(_move, Path(outcome.path), out))


def _move(video: Path, out: Path) -> Path:
    """Move a video and the small file that tells of it."""
    for path in video.parent.glob(f"{glob.escape(video.name)}*"):
        path.replace(out / path.name)
    return out / video.name


def _say_what_is_missing(font: str | None) -> None:
    """Say beforehand why a picture may not show its prompt."""
    try:
        from seedance_async.simulator.video import FontUnreadable
        from seedance_async.simulator.video.fonts import choose_typeface
    except ImportError:
        tell('The videos are one ready-made clip. For drawn ones: pip install "seedance-async[simulator]"')
        return
    try:
        typeface = choose_typeface(_CHINESE, font)
    except FontUnreadable as error:
        raise InvalidRequest(str(error), field="--font", value=font) from error
    if typeface.face_for(_CHINESE) is None:
        tell("No font here has Chinese: those prompts are shown as code points. Give one with --font FILE.")


def _epilogue(page: Path, prompts: int, billed: int) -> None:
    """Say how to look at the results, and what the ledger of the server says."""
    tell(f"{prompts} prompts, {billed} tasks in the ledger of the server: each was ordered once.")
    tell(f"Look at them in a browser: {page}")
