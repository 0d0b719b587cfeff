"""The plan of a batch: when it is done, what it costs, what it asks for and what it waits for."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.errors import InvalidRequest
from seedance_async.planning.accounts import PlannedAccount, shared_out
from seedance_async.planning.bottleneck import Usage, bottleneck_of, usage_of
from seedance_async.planning.lanes import Lane, play_lane, sample_size
from seedance_async.planning.rehearsal import LATENCY
from seedance_async.planning.runtimes import RunTimes
from seedance_async.settings import PollPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from seedance_async.planning.load import Load

__all__ = ["LanePlan", "Plan", "plan"]

_TIERS: Final = ("default", "flex")
_LEAST: Final = 100
_PATIENT: Final = PollPolicy(interval=30.0, max_interval=300.0)
"""How a lane of flex tasks is looked at where nothing else is said: nobody needs to know within seconds."""


@frozen(kw_only=True)
class LanePlan:
    """What one kind of account does with its prompts of one tier.

    Attributes:
        account: name of the account.
        accounts: how many accounts are like it.
        tier: ``default`` or ``flex``.
        prompts: prompts for each of them.
        rehearsed: how many of these were rehearsed.
        seconds: how long one takes, with usual run times.
        quickest: the same with the shortest run times that are to be expected.
        slowest: the same with the longest.
        requests: requests of each account, by route.
        usage: what each uses of its quotas while it is full.
        bottleneck: what it waits for.
        refusals: rehearsed prompts that the simulated server would not take.
    """

    account: str
    accounts: int
    tier: str
    prompts: int
    rehearsed: int
    seconds: float
    quickest: float
    slowest: float
    requests: Mapping[str, float]
    usage: Mapping[str, Usage]
    bottleneck: str
    refusals: int


@frozen(kw_only=True)
class Plan:
    """What a batch will take.

    Attributes:
        prompts: how many prompts there are.
        lanes: what each account does; they work side by side.
        tokens: tokens that are billed at most.
        tokens_likely: the same, less what usually fails or bills less.
        cost: what these cost at most; prompts without a known price left out.
        cost_likely: the same for the likely tokens.
        currency: of both.
        unpriced: prompts without a known price.
        uploaded: bytes of all create bodies.
        downloaded: bytes of all videos, by a rule of thumb where no journal tells.
        runs: where the run times come from.
    """

    prompts: int
    lanes: Sequence[LanePlan]
    tokens: int
    tokens_likely: int
    cost: Decimal
    cost_likely: Decimal
    currency: str
    unpriced: int
    uploaded: int
    downloaded: int
    runs: str

    @property
    def seconds(self) -> float:
        """How long it takes, with usual run times."""
        return self._slowest_lane.seconds

    @property
    def quickest(self) -> float:
        """How long it takes at least."""
        return max(lane.quickest for lane in self.lanes)

    @property
    def slowest(self) -> float:
        """How long it takes at most."""
        return max(lane.slowest for lane in self.lanes)

    @property
    def bottleneck(self) -> str:
        """What it waits for."""
        return self._slowest_lane.bottleneck

    @property
    def exact(self) -> bool:
        """Whether every prompt was rehearsed, so that nothing was extrapolated."""
        return all(lane.rehearsed == lane.prompts for lane in self.lanes)

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests of all accounts together, by route."""
        total: Counter[str] = Counter()
        for lane in self.lanes:
            total.update({route: round(count * lane.accounts) for route, count in lane.requests.items()})
        return total

    @property
    def _slowest_lane(self) -> LanePlan:
        return max(self.lanes, key=lambda lane: lane.seconds)


def plan(
    load: Load,
    *,
    accounts: Sequence[PlannedAccount] = (),
    runs: RunTimes | None = None,
    sample: int | None = None,
    poll: PollPolicy | None = None,
    latency: float = LATENCY,
    seed: int = 0,
) -> Plan:
    """Plan a batch by rehearsing it: the real client against the simulator, on virtual time.

    Up to some thousand prompts of an account are rehearsed one by one; more are extrapolated from the time in
    which the account is full. Nothing is sent anywhere. It blocks, some ten seconds for a large batch.

    Args:
        load: what the batch asks for.
        accounts: the accounts that work on it; one enterprise account where there is none.
        runs: how long tasks run and how they end; None takes the documented default.
        sample: prompts of each account that are rehearsed at most, 100 to 100,000; None chooses.
        poll: how the client looks; None takes its default, and 30 to 300 s for flex tasks.
        latency: seconds that a request and its answer take.
        seed: seed of everything that is drawn.

    Raises:
        InvalidRequest: there is nothing to plan, or ``sample`` is out of range.
        RuntimeError: an event loop is running in this thread: use ``asyncio.to_thread(plan, ...)``.
    """
    if not load.prompts:
        raise InvalidRequest(field="load", limit="must hold at least one prompt")
    if sample is not None and not 100 <= sample <= 100_000:  # noqa: PLR2004 - the documented range
        raise InvalidRequest(field="sample", value=sample, limit="must be from 100 to 100000")
    known = runs or RunTimes()
    player = _Player(
        accounts=tuple(accounts) or (PlannedAccount(),),
        runs=known,
        sample=sample,
        poll=poll,
        latency=latency,
        seed=seed,
    )
    tiers = [tier for tier in _TIERS if load.tier(tier).prompts]
    lanes = [lane for tier in tiers for lane in player.tier(load.tier(tier), tier, shared=len(tiers) > 1)]
    likely = known.billed * (1 - known.refused)
    return Plan(
        prompts=load.prompts,
        lanes=lanes,
        tokens=load.tokens,
        tokens_likely=round(load.tokens * likely),
        cost=load.cost,
        cost_likely=load.cost * Decimal(str(likely)),
        currency=load.currency,
        unpriced=load.unpriced,
        uploaded=round(load.body_bytes * load.prompts),
        downloaded=round(load.tokens * likely * known.bytes_per_token),
        runs=known.source,
    )


@frozen(kw_only=True)
class _Player:
    """Plays lanes, all in the same way."""

    accounts: Sequence[PlannedAccount]
    runs: RunTimes
    sample: int | None
    poll: PollPolicy | None
    latency: float
    seed: int

    def tier(self, load: Load, tier: str, *, shared: bool) -> Iterator[LanePlan]:
        """Plan the prompts of one tier on all accounts."""
        lanes = [self._ready(account.lane(tier, shared=shared)) for account in self.accounts]
        speeds = [1.0] if len(lanes) == 1 else [self._speed(load, account) for account in lanes]
        for account, prompts in shared_out(load.prompts, lanes, speeds):
            yield self._lane(load, prompts, account, tier)

    def _ready(self, account: PlannedAccount) -> PlannedAccount:
        """Give the account as it is played: measured times hold the server's queue already."""
        return account.with_running(None) if self.runs.queued else account

    def _speed(self, load: Load, account: PlannedAccount) -> float:
        """Measure how many prompts an account does in a second."""
        lane = self._play(load, min(load.prompts, 2000), account)
        return 1 / (lane.steady.seconds or lane.seconds / lane.prompts)

    def _lane(self, load: Load, prompts: int, account: PlannedAccount, tier: str) -> LanePlan:
        """Play a lane with usual, short and long run times."""
        usual = self._play(load, prompts, account)
        others = [
            self._play(load, prompts, account, slow=slow).seconds
            for slow, factor in zip((False, True), self.runs.spread, strict=True)
            if factor != 1.0
        ]
        return LanePlan(
            account=account.name,
            accounts=account.count,
            tier=tier,
            prompts=prompts,
            rehearsed=usual.rehearsed,
            seconds=usual.seconds,
            quickest=min([usual.seconds, *others]),
            slowest=max([usual.seconds, *others]),
            requests=usual.requests,
            usage=usage_of(usual, account),
            bottleneck=bottleneck_of(usual, account, tier=tier),
            refusals=usual.refusals,
        )

    def _play(self, load: Load, prompts: int, account: PlannedAccount, *, slow: bool | None = None) -> Lane:
        """Play a lane once; all prompts of a lane are of one tier."""
        tier = next(iter(load.shapes)).tier
        size = self.sample or sample_size(account)
        if slow is not None:
            # The range is coarser than the plan itself.
            size = max(_LEAST, size // 2)
        return play_lane(
            load,
            prompts,
            account,
            runs=self.runs,
            slow=slow,
            sample=size,
            poll=self.poll or (_PATIENT if tier == "flex" else None),
            latency=self.latency,
            seed=self.seed if slow is None else self.seed + 1 + slow,
        )
