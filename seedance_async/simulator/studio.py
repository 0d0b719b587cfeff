"""Loads footage: the packaged clip, or a film drawn in a worker thread at its first download."""

from __future__ import annotations

import asyncio
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

_KEPT = 64


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
    """

    render: bool = False
    font: str | None = None
    _shelf: OrderedDict[tuple[str, Clip], bytes] = field(
        factory=OrderedDict[tuple[str, Clip], bytes], init=False
    )
    _packaged: bytes = field(default=b"", init=False)
    _lock: asyncio.Lock = field(factory=asyncio.Lock, init=False)

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
            if key not in self._shelf:
                self._shelf[key] = await asyncio.to_thread(partial(self._render, footage, key[1]))
            while len(self._shelf) > _KEPT:
                self._shelf.popitem(last=False)
            return self._shelf[key]

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
