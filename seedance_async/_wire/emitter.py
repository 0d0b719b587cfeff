"""Hands events to an observer, which never disturbs what it observes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedance_async.events import log_event, logger

if TYPE_CHECKING:
    from seedance_async.events import Event, Observer

__all__ = ["Emitter"]


class Emitter:
    """What a session tells its events to.

    Args:
        observer: hears them; what it raises is reported once for each type of error.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._reported: set[str] = set()

    def is_heard(self, level: int) -> bool:
        """Whether an event of this level reaches anybody; otherwise those of every task need not be made."""
        return self._observer is not log_event or logger.isEnabledFor(level)

    def __call__(self, event: Event) -> None:
        """Hand an event over."""
        try:
            self._observer(event)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's observer raises
            if type(error).__name__ not in self._reported:
                self._reported.add(type(error).__name__)
                logger.warning("The observer raised %s; the session goes on.", type(error).__name__)
