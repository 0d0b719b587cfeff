"""Account limits (api docs 1520757 and 1299023): what is counted, and the 429 or 403 that follows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from seedance_async.simulator.checks import within
from seedance_async.simulator.refusals import Refusal

if TYPE_CHECKING:
    from seedance_async.simulator.capabilities import Model

_count = within(0)
_MINUTE = 60.0
_DAY = 86_400.0
_4K_REQUESTS = 15
_4K_SLOTS = 1


@frozen(kw_only=True)
class Quotas:
    """Limits of the one account that the simulator plays; None means no limit.

    Args:
        creates_per_minute: Creates in any 60 s by model family; then 429 `ModelAccountRpmRateLimitExceeded`.
        gets_per_second: Gets in any second.
        lists_per_second: Listings in any second.
        deletes_per_second: Deletes in any second.
        max_running: Tasks that run at once, per model family; more are accepted and stay `queued`.
        max_queued: Queued tasks of the account; past it 429 `QuotaExceeded` (real threshold unpublished).
        max_alive: Queued and running tasks; past it 429 `InflightBatchsizeExceeded`.
        creates_per_second: Ramp; past it 429 `RequestBurstTooFast`.
        flex_tokens_per_day: Tokens of flex tasks since the day began; flex tasks know no requests per minute.
        free_trial_tokens: Tokens after which 429 `QuotaExceeded` says that the free trial is used up.
        spend_limit_tokens: Tokens after which 429 `SetLimitExceeded` is answered.
        arrears: Every create answers 403 `AccountOverdueError`.
        published: Also apply a model's lower published figures (lite: 300 a minute, 5 at once; 4k: 15, 1).
    """

    creates_per_minute: int | None = field(default=600, validator=_count)
    gets_per_second: int | None = field(default=20, validator=_count)
    lists_per_second: int | None = field(default=1, validator=_count)
    deletes_per_second: int | None = field(default=20, validator=_count)
    max_running: int | None = field(default=10, validator=_count)
    max_queued: int | None = field(default=None, validator=_count)
    max_alive: int | None = field(default=None, validator=_count)
    creates_per_second: int | None = field(default=None, validator=_count)
    flex_tokens_per_day: int | None = field(default=None, validator=_count)
    free_trial_tokens: int | None = field(default=None, validator=_count)
    spend_limit_tokens: int | None = field(default=None, validator=_count)
    arrears: bool = False
    published: bool = False

    @classmethod
    def off(cls) -> Quotas:
        """No limits at all."""
        return cls(
            creates_per_minute=None,
            gets_per_second=None,
            lists_per_second=None,
            deletes_per_second=None,
            max_running=None,
        )

    @classmethod
    def enterprise(cls) -> Quotas:
        """The published limits of an enterprise account."""
        return cls(published=True)

    @classmethod
    def individual(cls) -> Quotas:
        """The published limits of an individual account."""
        return cls(creates_per_minute=180, max_running=3, published=True)

    def requests_of(self, model: Model, resolution: str) -> int | None:
        """Creates a minute for a model."""
        published = _4K_REQUESTS if resolution == "4k" else model.requests
        return self._lower(self.creates_per_minute, published)

    def slots_of(self, model: Model, resolution: str) -> int | None:
        """Tasks of a model that run at once."""
        published = _4K_SLOTS if resolution == "4k" else model.slots
        return self._lower(self.max_running, published)

    def _lower(self, own: int | None, published: int) -> int | None:
        return min(own, published) if own is not None and self.published else own


@define
class Meter:
    """Requests of the last minutes and seconds, by what they are counted under; refused ones do not count."""

    _hits: dict[str, deque[float]] = field(factory=dict[str, deque[float]])
    _flex_day: float = 0.0
    _flex_tokens: int = 0

    def take(self, key: str, limit: int | None, window: float, now: float, refusal: Refusal) -> None:
        """Count one request, or refuse it with the seconds after which there is room.

        Raises:
            Refusal: The window is full.
        """
        if limit is None:
            return
        hits = self._hits.setdefault(key, deque())
        while hits and hits[0] <= now - window:
            hits.popleft()
        if len(hits) >= limit:
            wait = hits[0] + window - now if hits else window
            raise limited(refusal.code, refusal.message, retry_after=wait)
        hits.append(now)

    def take_flex(self, tokens: int, limit: int | None, now: float) -> None:
        """Count the tokens of a flex task.

        Raises:
            Refusal: The day's tokens are used up.
        """
        if limit is None:
            return
        if now - self._flex_day >= _DAY:
            self._flex_day, self._flex_tokens = now, 0
        if self._flex_tokens + tokens > limit:
            wait = self._flex_day + _DAY - now
            raise limited(
                "RateLimitExceeded.EndpointFlexTPMExceeded", "The flex tokens are used up.", retry_after=wait
            )
        self._flex_tokens += tokens


def limited(code: str, message: str, *, retry_after: float | None = None) -> Refusal:
    """A 429."""
    return Refusal(status=429, code=code, message=message, retry_after=retry_after)


_RPM = limited("ModelAccountRpmRateLimitExceeded", "RPM limit exceeded.")
_BURST = limited("RequestBurstTooFast", "The request rate is increasing too fast, please slow down the ramp.")
_CALLS = "The request rate of the account exceeds the limit of this API."


def check_calls(quotas: Quotas, meter: Meter, route: str, now: float, code: str) -> None:
    """Count a get, list or delete; `code` is that of the refusal.

    Raises:
        Refusal: Past the route's limit in this second.
    """
    limits = {
        "get": quotas.gets_per_second,
        "list": quotas.lists_per_second,
        "delete": quotas.deletes_per_second,
    }
    meter.take(route, limits.get(route), 1.0, now, limited(code, _CALLS))


def check_account(quotas: Quotas, *, alive: int, queued: int, tokens: int) -> None:
    """Refuse a create for the state of the account.

    Raises:
        Refusal: Arrears, a used-up allowance, too many queued or alive tasks.
    """
    if quotas.arrears:
        message = "The request failed because your account has an overdue balance."
        raise Refusal(status=403, code="AccountOverdueError", message=message)
    if quotas.free_trial_tokens is not None and tokens >= quotas.free_trial_tokens:
        raise limited("QuotaExceeded", "Your account has exhausted its free trial quota for this model.")
    if quotas.spend_limit_tokens is not None and tokens >= quotas.spend_limit_tokens:
        raise limited("SetLimitExceeded", "Your account has reached the set inference limit for this model.")
    if quotas.max_queued is not None and queued >= quotas.max_queued:
        raise limited("QuotaExceeded", "The request has exceeded the quota.")
    if quotas.max_alive is not None and alive >= quotas.max_alive:
        raise limited("InflightBatchsizeExceeded", "The number of tasks in flight exceeds the limit.")


def check_create(
    quotas: Quotas, meter: Meter, model: Model, *, resolution: str, flex: bool, tokens: int, now: float
) -> None:
    """Count a valid create.

    Raises:
        Refusal: Too many in the last minute or second, or too many flex tokens today.
    """
    if flex:
        meter.take_flex(tokens, quotas.flex_tokens_per_day, now)
        return
    meter.take("burst", quotas.creates_per_second, 1.0, now, _BURST)
    bucket = f"create {family_of(model, resolution)}"
    meter.take(bucket, quotas.requests_of(model, resolution), _MINUTE, now, _RPM)


def family_of(model: Model, resolution: str) -> str:
    """What limits are counted under: the model whatever its version, 4k apart."""
    return f"{model.stem} 4k" if resolution == "4k" else model.stem
