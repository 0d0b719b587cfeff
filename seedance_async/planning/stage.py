"""The server of a plan: the simulator, whose tasks take the times that the plan drew for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve

from seedance_async.catalog import spec_for
from seedance_async.request import DEFAULT_MODEL, VideoRequest
from seedance_async.simulator import AfterSeconds, Quotas, Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async.planning.load import Shape
    from seedance_async.simulator import SimAnswer, SimRequest

__all__ = ["Part", "Stage", "request_for"]

_NUMBER: Final = re.compile(rb"planned (\d+)")
_PICTURE: Final = "https://pictures.example/first.png"
_FAIL: Final = " [fail:OutputVideoSensitiveContentDetected]"
_REFUSE: Final = " [refuse:InputTextSensitiveContentDetected]"


@define(kw_only=True)
class Part:
    """One task as it was drawn.

    Attributes:
        shape: what is asked for.
        seconds: how long it runs.
        end: ``succeed``, ``fail`` or ``refuse``.
    """

    shape: Shape
    seconds: float
    end: str = "succeed"


class Stage(Simulator):
    """A simulator that gives every task the time of its part."""

    def __init__(self, parts: Sequence[Part], *, quotas: Quotas, seed: int = 0) -> None:
        """Take the parts; the prompt ``planned 17`` is answered by the part with that number."""
        super().__init__(quotas=quotas, seed=seed)
        self._parts = parts

    async def ask(self, request: SimRequest) -> SimAnswer:
        """Answer a request; a create begins a task that takes the time of its part."""
        found = _NUMBER.search(request.body) if request.body else None
        if found is not None:
            # Between here and the answer nothing else runs, so the next create draws its own.
            behaviour = self.server.world.behaviour
            rule = AfterSeconds(run=self._parts[int(found[1])].seconds)
            self.server.behave(evolve(behaviour, progression=rule))
        return await super().ask(request)


def request_for(part: Part, number: int) -> VideoRequest:
    """Make a request of the same shape: no pictures, because only its model, size and tier matter here."""
    shape = part.shape
    spec = spec_for(shape.model)
    prompt = f"planned {number}{_FAIL if part.end == 'fail' else _REFUSE if part.end == 'refuse' else ''}"
    fields: dict[str, Any] = {"prompt": prompt, "model": shape.model if spec else DEFAULT_MODEL}
    if spec is None:
        return VideoRequest(**fields)
    if shape.resolution in spec.resolutions:
        fields["resolution"] = shape.resolution
    if spec.min_duration <= shape.seconds <= spec.max_duration:
        fields["duration"] = round(shape.seconds)
    if not spec.text_to_video:
        fields["first_frame"] = _PICTURE
    if shape.tier == "flex":
        fields["service_tier"] = "flex"
    return VideoRequest(**fields)
