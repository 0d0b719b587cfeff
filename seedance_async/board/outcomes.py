"""An outcome, or a request that is only planned, as an item of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import fields

from seedance_async.errors import InvalidRequest
from seedance_async.media.gallery.advice import problem_of
from seedance_async.media.gallery.items import Item
from seedance_async.media.gallery.telling import prompt_of, settings_of

if TYPE_CHECKING:
    from seedance_async.media.gallery.pricing import Pricer
    from seedance_async.models import VideoTask
    from seedance_async.outcomes import Outcome
    from seedance_async.request import VideoRequest

__all__ = ["item_of", "planned"]

_PLAIN: Final = ("resolution", "ratio", "duration", "frames", "seed", "generate_audio", "service_tier")


def planned(key: str, request: VideoRequest) -> Item:
    """Make an item of a prompt that waits for its turn."""
    body = body_of(request)
    return Item(
        key=key,
        status="waiting",
        prompt=prompt_of(body),
        model=request.model,
        facts=tuple(settings_of(body, None)),
    )


def body_of(request: VideoRequest | None) -> dict[str, Any]:
    """Give what would be sent; without its inputs where those still lie on this machine."""
    if request is None:
        return {}
    try:
        return request.to_body()
    except InvalidRequest:
        plain = {name: getattr(request, name) for name in _PLAIN}
        content = [{"type": "text", "text": request.prompt or ""}]
        return {"model": request.model, "content": content, **plain}


def item_of(outcome: Outcome, pricer: Pricer, before: Item | None) -> Item:
    """Make an item of an outcome; what it does not say stays as it was known before."""
    task, body = outcome.task, body_of(outcome.request)
    record = {} if task is None else _record(task)
    tokens = None if task is None else task.tokens
    cost, currency = pricer.price(body, record, tokens)
    known = before or Item(key=outcome.key, status="")
    return known.evolve(
        status=outcome.kind.value,
        prompt=prompt_of(body) or known.prompt,
        model=(task.model if task is not None else "") or body.get("model") or known.model,
        task_id=task.id if task is not None else known.task_id,
        seed=task.seed if task is not None else known.seed,
        tokens=tokens if tokens is not None else known.tokens,
        cost=cost if cost is not None else known.cost,
        currency=currency or known.currency,
        seconds=_seconds(task) if known.seconds is None else known.seconds,
        at=float(task.updated_at) if task is not None and task.updated_at else known.at,
        facts=tuple(settings_of(body, record)) or known.facts,
        place=outcome.path if isinstance(outcome.path, str) and "://" in outcome.path else "",
        problem=_problem(outcome),
    )


def _record(task: VideoTask) -> dict[str, Any]:
    """List what the server said of a task."""
    return {item.name: getattr(task, item.name) for item in fields(type(task)) if item.name != "raw"}


def _seconds(task: VideoTask | None) -> float | None:
    """Say how long a task took by the server's clock."""
    if task is None or task.created_at is None or task.updated_at is None or not task.is_terminal:
        return None
    return float(max(0, task.updated_at - task.created_at))


def _problem(outcome: Outcome) -> Any:
    """Say why there is no video."""
    error = outcome.error
    if error is None:
        return None
    return problem_of(
        status=outcome.kind.value,
        message=str(error),
        code=str(getattr(error, "code", "") or ""),
        error_type=type(error).__name__,
    )
