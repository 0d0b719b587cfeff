"""A write that was begun is carried through: who leaves in the middle would not know what is in the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["carried_through"]

_PATIENCE: Final = 5.0

_T = TypeVar("_T")


async def carried_through(writing: Coroutine[Any, Any, _T]) -> _T:
    """Wait for a write; a caller who is cancelled leaves when it is done, or after 5 s."""
    task = asyncio.create_task(writing)
    try:
        # Shielded: cut off, it might still reach the store after we looked what is there.
        return await asyncio.shield(task)
    finally:
        if not task.done():
            try:
                await asyncio.wait({task}, timeout=_PATIENCE)
            finally:
                task.cancel()
        if task.done() and not task.cancelled():
            task.exception()  # so that asyncio does not report it as never looked at
