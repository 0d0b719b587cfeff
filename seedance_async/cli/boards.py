"""``seedance batch --board``: the batch in a browser, while it runs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from seedance_async.cli.batch_options import folder_of
from seedance_async.cli.fields import fields_of
from seedance_async.cli.reporting import tell
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from seedance_async.board import Board
    from seedance_async.request import VideoRequest

__all__ = ["boarded"]

_PLANNED_MOST: Final = 1000
"""So many prompts are shown before they are ordered; a board keeps 2,000 cards."""


@asynccontextmanager
async def boarded(file: str, options: Mapping[str, Any], **shown: Any) -> AsyncGenerator[Board | None]:
    """Serve a board while the block runs and say where it is; None where none was asked for.

    Args:
        file: the prompts; those of standard input are shown as they come.
        options: the options of the batch.
        **shown: what :func:`seedance_async.board.serve_board` is told of the batch.

    Raises:
        InvalidRequest: the port cannot be had.
    """
    if not options["board"]:
        yield None
        return
    from seedance_async.board import serve_board

    folder, port = folder_of(options) or Path(), options["board_port"]
    title = "Batch" if file == "-" else Path(file).name
    async with AsyncExitStack() as stack:
        try:
            served = serve_board(folder, title=title, port=port, **shown)
            board = await stack.enter_async_context(served)
        except OSError as error:
            limit = "cannot be had (is another board there?); without this option any free one is taken"
            raise InvalidRequest(field="--board-port", value=port, limit=limit) from error
        if file != "-":
            for key, request in await asyncio.to_thread(_first, file, options):
                board.plan(key, request)
        tell(f"Watch it in a browser (keep the address to yourself): {board.url}")
        yield board


def _first(file: str, options: Mapping[str, Any]) -> list[tuple[str, VideoRequest]]:
    """Read the prompts that are shown before they are ordered."""
    from seedance_async.cli.files import read_requests

    requests = read_requests(file, written=options["format"], defaults=fields_of(options))
    return list(islice(requests, _PLANNED_MOST))
