"""The list route (api docs 1521675): filters, pages, hidden flex tasks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.simulator.refusals import not_valid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.exchange import SimRequest
    from seedance_async.simulator.tasks import SimTask
    from seedance_async.simulator.world import World

_STATUSES = ("queued", "running", "cancelled", "succeeded", "failed", "expired")
_MAX_PAGE = 500
_DEFAULT_SIZE = 20
_NUMBER = re.compile(r"[0-9]{1,9}")


@frozen(kw_only=True)
class Query:
    """A listing as asked."""

    page_num: int
    page_size: int
    status: str | None
    model: str | None
    flex: bool
    task_ids: frozenset[str]


def read_query(request: SimRequest, behaviour: Behaviour) -> Query:
    """Read the query.

    Raises:
        Refusal: 400 for a page out of [1, 500] or an unknown status or tier.
    """
    status = request.param("filter.status") or None
    if status is not None and status not in _STATUSES:
        raise not_valid("filter.status", f"expected one of {', '.join(_STATUSES)}")
    if status == "expired" and behaviour.list_refuses_expired:
        raise not_valid("filter.status", "expected queued, running, cancelled, succeeded or failed")
    tier = request.param("filter.service_tier") or "default"
    if tier not in ("default", "flex"):
        raise not_valid("filter.service_tier", "expected default or flex")
    ignored = behaviour.list_ignores_filters
    ids = [] if behaviour.list_ignores_task_ids else request.params("filter.task_ids")
    return Query(
        page_num=_number(request, "page_num", 1),
        page_size=_page_size(request, behaviour),
        status=None if ignored else status,
        model=None if ignored else request.param("filter.model") or None,
        flex=False if ignored else tier == "flex",
        task_ids=frozenset(filter(None, ids)),
    )


def _page_size(request: SimRequest, behaviour: Behaviour) -> int:
    """The size of the page; one above the cap is cut or refused."""
    cap = behaviour.list_page_cap or _MAX_PAGE
    refused = behaviour.list_page_rule == "refused"
    return min(_number(request, "page_size", min(_DEFAULT_SIZE, cap), cap if refused else _MAX_PAGE), cap)


def _number(request: SimRequest, name: str, default: int, most: int = _MAX_PAGE) -> int:
    raw = request.param(name)
    if not raw:
        return default
    if not (_NUMBER.fullmatch(raw) and 1 <= int(raw) <= most):
        raise not_valid(name, f"expected an integer within 1 and {most}")
    return int(raw)


def page_of(query: Query, world: World, now: float) -> tuple[int, list[SimTask]]:
    """Number of matches, and the tasks of the page."""
    behaviour = world.behaviour
    found = _candidates(query, world, now)
    keep = _filter(query, now - behaviour.list_stale_seconds)
    matches = found if keep is None else [task for task in found if keep(task)]
    return len(matches), _slice(matches, query, newest=behaviour.list_order == "newest")


def _candidates(query: Query, world: World, now: float) -> Sequence[SimTask]:
    """Records of the tiers in question that are old enough and not too old, oldest first."""
    behaviour = world.behaviour
    since, until = now - behaviour.retention_seconds, now - behaviour.list_lag_seconds
    if query.task_ids:
        known = [world.tasks[name] for name in query.task_ids if name in world.tasks]
        tiers = (query.flex,) if behaviour.list_hides_flex else (False, True)
        inside = [task for task in known if since < task.accepted <= until and task.order.flex in tiers]
        return sorted(inside, key=lambda task: task.number)
    if behaviour.list_hides_flex:
        return world.shelf.between(since, until, flex=query.flex)
    both = [*world.shelf.between(since, until, flex=False), *world.shelf.between(since, until, flex=True)]
    return sorted(both, key=lambda task: task.number)


def _filter(query: Query, moment: float) -> Callable[[SimTask], bool] | None:
    """The test for status and model, or None where nothing is filtered."""
    if query.status is None and query.model is None:
        return None

    def keep(task: SimTask) -> bool:
        return query.status in (None, task.status_at(moment)) and query.model in (None, task.order.model_id)

    return keep


def _slice(matches: Sequence[SimTask], query: Query, *, newest: bool) -> list[SimTask]:
    """One page, without turning the whole list round."""
    first = (query.page_num - 1) * query.page_size
    if not newest:
        return list(matches[first : first + query.page_size])
    last = len(matches) - first
    return list(matches[max(0, last - query.page_size) : max(0, last)])[::-1]
