"""What a batch does when a job does not succeed: go on, stop submitting, or try that job again later."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import field, frozen

from seedance_async.errors import (
    AuthenticationFailed,
    Billed,
    DownloadFailed,
    InvalidRequest,
    JournalError,
    QuotaExhausted,
    SeedanceError,
)
from seedance_async.outcomes import OutcomeKind

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Action", "OnFailure", "Policy", "policy_of", "retried_kinds"]


class Action(enum.StrEnum):
    """What follows a job that did not succeed.

    ``SKIP``: the others go on. ``STOP``: nothing more is submitted, what is in flight goes on, and the rest
    is SKIPPED. ``LATER``: where nothing was billed, the job is planned again and tried once more at the end
    of the batch; otherwise like SKIP.
    """

    SKIP = "skip"
    STOP = "stop"
    LATER = "later"


OnFailure: TypeAlias = "Action | str | Mapping[type[BaseException], Action | str] | None"
"""One action for every failure, or an action per class of error; None takes the usual ones."""

_UNAUTHORIZED: Final = 401
_RETRIED: Final = frozenset(
    {OutcomeKind.FAILED, OutcomeKind.REFUSED, OutcomeKind.EXPIRED, OutcomeKind.CANCELLED}
)


def _usual(error: SeedanceError) -> Action:
    """Stop where every further job would fail the same way; come back to what may pass later."""
    if isinstance(error, QuotaExhausted | JournalError) or _is_local_disk(error):
        return Action.STOP
    if isinstance(error, AuthenticationFailed):
        # 403 may concern one model only; 401 is the key itself.
        return Action.STOP if error.status == _UNAUTHORIZED else Action.SKIP
    return Action.LATER if error.transient and error.billed is Billed.NO else Action.SKIP


def _is_local_disk(error: SeedanceError) -> bool:
    """Tell a full or broken disk from a video host in trouble: more videos would only be paid for in vain."""
    return isinstance(error, DownloadFailed) and isinstance(error.__cause__, OSError)


@frozen
class Policy:
    """Decides what follows an error.

    Attributes:
        overall: the caller's one action for everything, or None.
        by_class: the caller's actions by class of error; the most special class counts.
    """

    overall: Action | None = None
    by_class: Mapping[type[BaseException], Action] = field(factory=dict[type[BaseException], Action])

    def action(self, error: SeedanceError, *, ordered: bool = False) -> Action:
        """Say what follows.

        Args:
            error: what the job ended with.
            ordered: whether it has a task.
        """
        for kind in type(error).__mro__:
            if kind in self.by_class:
                return self.by_class[kind]
        # A key that may order and not look pays for what nobody will ever see end, and its slots stay taken.
        blind = ordered and isinstance(error, AuthenticationFailed)
        usual = Action.STOP if blind else _usual(error)
        # A journal that cannot be written, or an account that must stop, is nobody's choice.
        if self.overall is None or blind or isinstance(error, JournalError | QuotaExhausted):
            return usual
        return self.overall

    @staticmethod
    def blameless(error: SeedanceError) -> bool:
        """True when a refusal says nothing about the job itself: the next run takes it up unasked."""
        return error.billed is Billed.NO and _usual(error) is not Action.SKIP


def policy_of(on_failure: OnFailure) -> Policy:
    """Read ``on_failure``.

    Raises:
        InvalidRequest: it is none of what :data:`OnFailure` allows.
    """
    if on_failure is None:
        return Policy()
    if not isinstance(on_failure, Mapping):
        return Policy(_action(on_failure))
    for kind in on_failure:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise InvalidRequest(field="on_failure", value=kind, limit="must have classes of errors as keys")
    return Policy(by_class={kind: _action(action) for kind, action in on_failure.items()})


def _action(value: Action | str) -> Action:
    """Read one action."""
    try:
        return Action(value)
    except ValueError:
        limit = f"must be one of {', '.join(repr(one.value) for one in Action)}"
        raise InvalidRequest(field="on_failure", value=value, limit=limit) from None


def retried_kinds(retry_failed: bool | Collection[OutcomeKind | str]) -> frozenset[OutcomeKind]:  # noqa: FBT001
    """Read ``retry_failed``: which ends of earlier runs are submitted again.

    Raises:
        InvalidRequest: it names an end that cannot be submitted again.
    """
    if isinstance(retry_failed, bool):
        return _RETRIED if retry_failed else frozenset()
    named = (
        [retry_failed]
        if isinstance(retry_failed, str | OutcomeKind)
        else cast("Collection[Any]", retry_failed)
    )
    try:
        kinds = frozenset(OutcomeKind(one) for one in named)
    except (ValueError, TypeError):
        kinds = None
    if kinds is None or not kinds <= _RETRIED:
        known = ", ".join(sorted(kind.value for kind in _RETRIED))
        raise InvalidRequest(
            field="retry_failed", value=retry_failed, limit=f"must be True, False or some of {known}"
        )
    return kinds
