"""What a batch asks for, counted by shape: a million prompts become a handful of lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from attrs import define, evolve, field, frozen

from seedance_async.batch.jobs import Line, read_job
from seedance_async.batch.keys import Keys
from seedance_async.catalog import spec_for
from seedance_async.errors import InvalidRequest
from seedance_async.media.inputs import resolve
from seedance_async.prices import CNY, cost, estimate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.batch.jobs import Job
    from seedance_async.prices import PriceTable
    from seedance_async.request import VideoRequest

__all__ = ["Load", "Shape", "Tally", "shape_of"]

_WEIGHED_FIRST: Final = 200
_WEIGHED_EACH: Final = 500
_MOST_KNOWN: Final = 10_000
_MILLION: Final = 1_000_000
_NO_MATTER: Final = frozenset({"key", "prompt", "seed", "safety_identifier"})
_PLAIN: Final = (str, int, float, bool, type(None))
_OTHER: Final = "other"


@frozen
class Shape:
    """What decides how long a task runs, what it costs, and which quota it counts under.

    Attributes:
        model: the model id as it is sent.
        resolution: resolution of the video, lower case.
        seconds: longest length of the video.
        tier: ``default`` or ``flex``.
        flexible: whether the request leaves the tier open and could be sent as ``flex``.
    """

    model: str
    resolution: str
    seconds: float
    tier: str = "default"
    flexible: bool = False

    @property
    def family(self) -> str:
        """Short name of the model, or ``other``."""
        spec = spec_for(self.model)
        return _OTHER if spec is None else spec.family


@define(kw_only=True)
class Tally:
    """How much of one shape a batch holds.

    Attributes:
        count: prompts.
        tokens: tokens that they bill at most.
        cost: what these cost; prompts without a known price left out.
        unpriced: prompts without a known price.
        flex_share: what the price is multiplied with in the flex tier.
    """

    count: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    flex_share: Decimal = Decimal(1)

    def part(self, count: int) -> Tally:
        """Give the share of ``count`` of these prompts."""
        share = Decimal(count) / self.count
        return Tally(
            count=count,
            tokens=round(self.tokens * share),
            cost=self.cost * share,
            unpriced=round(self.unpriced * share),
            flex_share=self.flex_share,
        )

    def add(self, other: Tally) -> None:
        """Count others in."""
        self.count += other.count
        self.tokens += other.tokens
        self.cost += other.cost
        self.unpriced += other.unpriced
        self.flex_share = other.flex_share


@define(kw_only=True)
class Load:
    """A batch as planning sees it.

    Attributes:
        shapes: how much there is of each shape.
        currency: currency of all costs.
        links: jobs of chains that were left out, because they have no request yet.
        body_bytes: mean size of a create's body, local pictures as base64 included; a sample is weighed.
    """

    shapes: dict[Shape, Tally] = field(factory=dict[Shape, Tally])
    currency: str = "CNY"
    links: int = 0
    body_bytes: float = 0.0

    @property
    def prompts(self) -> int:
        """How many prompts there are."""
        return sum(tally.count for tally in self.shapes.values())

    @property
    def tokens(self) -> int:
        """Tokens that all bill at most."""
        return sum(tally.tokens for tally in self.shapes.values())

    @property
    def cost(self) -> Decimal:
        """What they cost at most, prompts without a known price left out."""
        return sum((tally.cost for tally in self.shapes.values()), Decimal(0))

    @property
    def unpriced(self) -> int:
        """Prompts without a known price."""
        return sum(tally.unpriced for tally in self.shapes.values())

    def add(self, shape: Shape, tally: Tally) -> None:
        """Count more of a shape."""
        self.shapes.setdefault(shape, Tally()).add(tally)

    def tier(self, name: str) -> Load:
        """Give the part of one service tier."""
        kept = {shape: tally for shape, tally in self.shapes.items() if shape.tier == name}
        return evolve(self, shapes=kept)

    def moved(self, flex: dict[Shape, int]) -> Load:
        """Give the same batch with so many prompts of each shape in the flex tier."""
        other = Load(currency=self.currency, links=self.links, body_bytes=self.body_bytes)
        for shape, tally in self.shapes.items():
            away = min(flex.get(shape, 0), tally.count)
            if away < tally.count:
                other.add(shape, tally.part(tally.count - away))
            if away:
                part = tally.part(away)
                part.cost *= part.flex_share
                other.add(evolve(shape, tier="flex", flexible=False), part)
        return other

    @classmethod
    def of(cls, jobs: Iterable[Job], *, prices: PriceTable = CNY) -> Load:
        """Count a batch; blocks, about a minute for a million prompts.

        Args:
            jobs: what ``run_many`` takes, read once and to the end.
            prices: the price table.

        Raises:
            InvalidRequest: a job cannot be read, or there is none.
        """
        load, keys = cls(currency=prices.currency), Keys()
        reader = _Reader(load=load, prices=prices)
        try:
            for index, job in enumerate(jobs):
                if not reader.recall(job):
                    reader.read(job, index, keys)
        finally:
            keys.close()
        if not load.shapes:
            raise InvalidRequest(field="jobs", limit="must hold at least one prompt")
        load.body_bytes = reader.scale.mean
        return load


def shape_of(request: VideoRequest, *, seconds: float) -> Shape:
    """Give the shape of a request whose video lasts ``seconds`` at most."""
    spec = spec_for(request.model)
    resolution = (request.resolution or (spec.default_resolution if spec else _OTHER)).lower()
    open_tier = request.service_tier is None and request.priority is None and not request.draft
    return Shape(
        model=request.model,
        resolution=resolution,
        seconds=float(seconds),
        tier="flex" if request.service_tier == "flex" else "default",
        flexible=open_tier and spec is not None and spec.flex,
    )


def _flex_share(request: VideoRequest, shape: Shape, prices: PriceTable) -> Decimal:
    """Say what the flex tier makes of the price."""
    if not shape.flexible:
        return Decimal(1)
    full = cost(_MILLION, request, prices)
    flex = cost(_MILLION, request.evolve(service_tier="flex"), prices)
    return flex / full if full and flex is not None else Decimal(1)


@define
class _Scale:
    """Weighs bodies; local pictures only at first, because reading all would take as long as sending them."""

    _bytes: int = 0
    _weighed: int = 0

    def weigh(self, request: VideoRequest) -> None:
        """Weigh a request."""
        if self._weighed >= _WEIGHED_FIRST and request.has_local_media:
            return
        ready = resolve(request) if request.has_local_media else request
        self._bytes += len(json.dumps(ready.to_body(), ensure_ascii=False).encode())
        self._weighed += 1

    @property
    def mean(self) -> float:
        """Mean bytes of a body."""
        return self._bytes / self._weighed if self._weighed else 0.0


@define(kw_only=True)
class _Reader:
    """Reads jobs; one that differs from an earlier one in nothing but its words is not made again."""

    load: Load
    prices: PriceTable
    scale: _Scale = field(factory=_Scale)
    _known: dict[object, tuple[Tally, int, Decimal | None]] = field(
        factory=dict[object, "tuple[Tally, int, Decimal | None]"]
    )
    _recalled: int = 0

    def recall(self, job: Job) -> bool:
        """Count a job like one that was read before; False where there was none."""
        known = self._known.get(_signature(job))
        if known is None or self._recalled >= _WEIGHED_EACH:
            # Now and then one is read all the same, so that its body is weighed.
            self._recalled = 0
            return False
        self._recalled += 1
        self._add(*known)
        return True

    def read(self, job: Job, index: int, keys: Keys) -> None:
        """Read and count one job.

        Raises:
            InvalidRequest: it cannot be read.
        """
        item = read_job(job, index, keys)
        if item.problem is not None:
            raise item.problem
        if item.request is None:
            self.load.links += 1
            return
        known = self._count(item.request)
        self._add(*known)
        self.scale.weigh(item.request)
        signature = _signature(job)
        if signature is not None and len(self._known) < _MOST_KNOWN:
            self._known[signature] = known

    def _count(self, request: VideoRequest) -> tuple[Tally, int, Decimal | None]:
        """Give the tally that a request belongs to, its tokens and what they cost."""
        most = estimate(request)
        shape = shape_of(request, seconds=most.seconds)
        tally = self.load.shapes.get(shape)
        if tally is None:
            tally = self.load.shapes[shape] = Tally(flex_share=_flex_share(request, shape, self.prices))
        return tally, most.tokens, cost(most.tokens, request, self.prices)

    @staticmethod
    def _add(tally: Tally, tokens: int, amount: Decimal | None) -> None:
        """Count one more."""
        tally.count += 1
        tally.tokens += tokens
        tally.cost += amount or 0
        tally.unpriced += amount is None


def _signature(job: Job) -> object:
    """Give what decides about a job besides its words; None where it must be read as a whole."""
    fields = job.job if isinstance(job, Line) else job
    if not isinstance(fields, Mapping) or "after" in fields:
        return None
    prompt = fields.get("prompt")
    # The 1.0 and 1.5 models take commands such as --rs 720p out of the prompt.
    if not isinstance(prompt, str) or not prompt.strip() or "--" in prompt:
        return None
    rest = tuple((name, value) for name, value in fields.items() if name not in _NO_MATTER)
    return rest if all(isinstance(value, _PLAIN) for _, value in rest) else None
