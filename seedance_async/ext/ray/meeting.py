"""Making sure that a folder is the same one on all machines: else each machine would pay for each job."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from seedance_async.errors import InvalidRequest, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["check_shared"]

_FOLDER: Final = "meeting"


async def check_shared(claims: str, meet: Callable[[str, str], Awaitable[str]]) -> None:
    """See that this machine finds in the folder what the first worker left there.

    Buckets and databases have one address everywhere and are not checked.

    Args:
        claims: address of the store of claims.
        meet: agrees with the other workers on one word for a place.

    Raises:
        InvalidRequest: this machine does not see it.
        SeedanceError: the folder cannot be written.
    """
    if not claims.startswith("file://"):
        return
    folder = Path(unquote(urlsplit(claims).path)) / _FOLDER
    own = uuid.uuid4().hex
    try:
        await asyncio.to_thread(_leave_word, folder, own)
        agreed = await meet(claims, own)
        seen = await asyncio.to_thread(_sees, folder, agreed, own)
    except OSError as error:
        raise SeedanceError(f"The folder {folder} cannot be used: {error}") from error
    if not seen:
        limit = "must be a folder that all machines of the cluster share, or a bucket, or a database"
        raise InvalidRequest(field="claims", value=claims, limit=limit)


def _leave_word(folder: Path, word: str) -> None:
    """Leave our word before we hear which one counts, so that it is there for those who come later."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / word).touch()


def _sees(folder: Path, agreed: str, own: str) -> bool:
    """Look for the word that counts; ours is taken away when it is another."""
    seen = (folder / agreed).exists()
    if agreed != own:
        (folder / own).unlink()
    return seen
