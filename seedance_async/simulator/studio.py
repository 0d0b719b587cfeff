"""Loads footage: the packaged clip, or a film drawn in a worker thread at its first download."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.simulator.footage import Footage, filled, plain_still
from seedance_async.simulator.picture import bytes_of
from seedance_async.simulator.pixels import FRAMES_PER_SECOND
from seedance_async.simulator.video import Clip, RendererMissing, packaged_clip, render_clip, render_still

if TYPE_CHECKING:
    from seedance_async.simulator.exchange import SimAnswer
    from seedance_async.simulator.order import Order


def clip_of(order: Order) -> Clip:
    """What the renderer has to draw for an order."""
    width, height = order.size
    return Clip(
        prompt=order.prompt,
        width=width,
        height=height,
        seconds=order.frames / FRAMES_PER_SECOND if order.frames else order.seconds,
        fps=FRAMES_PER_SECOND,
        seed=order.seed,
        audio=order.sound,
        still=bytes_of(order.picture) if order.picture else None,
    )


@define
class Studio:
    """Fills answers with their files.

    Args:
        render: Render a film per task; otherwise, and where the extra is missing, serve the packaged clip.
        font: Path of the font for prompts, or None to look for one.
        kept: How many films are kept for the next download.
    """

    render: bool = False
    font: str | None = None
    kept: int = 32
    films: OrderedDict[tuple[str, Clip], bytes] = field(
        factory=OrderedDict[tuple[str, Clip], bytes], init=False
    )
    _packaged: bytes = field(default=b"", init=False)
    _lock: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def check(self) -> None:
        """Draw one small picture with the font that was given, so that a bad one is known at the start.

        Raises:
            FontUnreadable: It is not a font file.
        """
        if self.render and self.font is not None:
            probe = Clip(prompt="a", width=64, height=64, seconds=1)
            with contextlib.suppress(RendererMissing):
                await asyncio.to_thread(render_still, probe, self.font)

    async def fill(self, answer: SimAnswer) -> SimAnswer:
        """The answer with its file, if it has one to load."""
        footage = answer.footage
        if footage is None:
            return answer
        return filled(answer, footage, await self._load(footage))

    async def _load(self, footage: Footage) -> bytes:
        if not self.render:
            return self._ready_made(footage)
        key = (footage.kind, clip_of(footage.order))
        # one film at a time: ten downloads of one task must not render it ten times
        async with self._lock:
            if key not in self.films:
                self.films[key] = await asyncio.to_thread(partial(self._render, footage, key[1]))
            while len(self.films) > self.kept:
                self.films.popitem(last=False)
            return self.films[key]

    def _render(self, footage: Footage, clip: Clip) -> bytes:
        """Blocking: draw a film or its last frame."""
        try:
            return render_still(clip, self.font) if footage.kind == "still" else render_clip(clip, self.font)
        except RendererMissing:
            return self._ready_made(footage)

    def _ready_made(self, footage: Footage) -> bytes:
        if footage.kind == "still":
            return plain_still(*footage.order.size, footage.order.seed % 256)
        self._packaged = self._packaged or packaged_clip()
        return self._packaged
