"""What the watcher needs of a session: one paced attempt per call, nothing repeated inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seedance_async._wire.pages import Page
    from seedance_async.models import TaskStatus, VideoTask

__all__ = ["Looks"]


class Looks(Protocol):
    """How the watcher reads the server; each call is exactly one HTTP attempt inside the account's pace."""

    async def get(self, task_id: str) -> dict[str, Any]:
        """Read one record, with Ark's own field names (api docs 1521309).

        Raises:
            SeedanceError: whatever went wrong, typed.
        """
        ...

    async def look(self, task_ids: Sequence[str], *, service_tier: str | None, page_size: int) -> Page:
        """Look at many tasks of one tier with one list (api docs 1521675).

        Each record has a string under ``id``, an empty one where the server gave none.

        Raises:
            SeedanceError: whatever went wrong, typed.
        """
        ...

    def status(self, record: dict[str, Any]) -> TaskStatus:
        """Read the status of one record, which is all that most looks need."""
        ...

    def read(self, record: dict[str, Any]) -> VideoTask:
        """Make a value of one record."""
        ...
