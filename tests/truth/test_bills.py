"""The library's estimate against the simulator's bill: a budget reserves at least what a task will cost."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async import SeedanceSession, VideoRequest
from seedance_async.errors import RequestRefused
from seedance_async.estimates import estimate
from seedance_async.in_process import InProcess
from seedance_async.simulator import AtOnce, Behaviour, Simulator
from tests.simulator.helpers import LITE_T2V, PRO_10, PRO_15, V20, V25

FILM = "https://example.com/film.mp4"
SECONDS_OF_FILM = 5  # what the simulator takes every reference video for


@st.composite
def requests(draw: st.DrawFn) -> VideoRequest:
    """An order that may or may not suit its model."""
    filmed = draw(st.booleans())
    return VideoRequest(
        prompt="a fox",
        model=draw(st.sampled_from([V25, V20] if filmed else [V25, V20, PRO_15, PRO_10, LITE_T2V])),
        resolution=draw(st.sampled_from([None, "480p", "720p", "1080p"])),
        ratio=draw(st.sampled_from([None, "16:9", "1:1", "9:16", "21:9"])),
        duration=draw(st.sampled_from([None, 4, 5, 7, 12])),
        reference_videos=[FILM] if filmed else None,
    )


async def bill(request: VideoRequest, behaviour: Behaviour) -> int:
    """What the simulator takes for an order; nothing where it refuses it."""
    async with Simulator(behaviour=behaviour) as sim:
        async with SeedanceSession("any-key", sim.base_url, transport=InProcess(sim)) as session:
            try:
                await session.submit(request)
            except RequestRefused:
                return 0
        return sim.ledger[0].tokens


@pytest.mark.parametrize("least", ["derived", "none"])
@given(request=requests())
def test_no_task_costs_more_than_was_reserved(least: str, request: VideoRequest) -> None:
    """Whatever the model, size, length and input, the bill is within the estimate, the least one included."""
    behaviour = Behaviour(
        progression=AtOnce(), least_video_tokens="derived" if least == "derived" else "none"
    )
    reserved = estimate(request, seconds_in=SECONDS_OF_FILM if request.reference_videos else 0).tokens
    billed = asyncio.run(bill(request, behaviour))
    assert billed <= reserved
