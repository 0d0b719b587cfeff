"""The board's page: the gallery's, with a head that lives and cards that change."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from seedance_async.media.gallery.page import Shell, part, policy, wrap

if TYPE_CHECKING:
    from seedance_async.board.state import State

__all__ = ["Stops", "board_page", "page_policy"]

_HERE: Final = Path(__file__).parent
_LEVERS: Final = (
    '<p class="levers"><button type="button" data-does="stop">Stop ordering</button>'
    '<button type="button" data-does="cancel-queued">Stop, and cancel what is queued</button></p>'
)


class Stops(Protocol):
    """What the buttons throw: a :class:`seedance_async.batch.StopSwitch`."""

    @property
    def times(self) -> int:
        """How often it was thrown, by whomever."""
        ...

    @property
    def cancel_queued(self) -> bool:
        """Whether tasks that are still queued at the server are cancelled."""
        ...

    def stop(self, *, cancel_queued: bool | None = None) -> None:
        """Stop the batch gracefully, and cancel what is queued where that is asked for."""


@cache
def _own(name: str) -> str:
    """Read a part that lies beside this module."""
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def page_policy() -> str:
    """Give the policy of the page, for its header."""
    return policy(part("page.css") + _own("board.css"), part("page.js") + _own("board.js"), connects=True)


def board_page(state: State, head: str, *, title: str, stop: Stops | None) -> str:
    """Write the page as the board is now.

    Args:
        state: the cards.
        head: the head as HTML.
        title: the title, as text.
        stop: what the buttons throw; None makes a board without them.
    """
    cards = sorted(state.cards.values(), key=lambda shown: shown.order)
    levers = "" if stop is None else _LEVERS
    live = (
        f'<section id="live" data-revision="{state.revision}" data-most="{state.most}" aria-label="Progress">'
        f'<div id="head">{head}</div>{levers}</section>'
    )
    shell = Shell(
        title=title,
        subtitle="Live",
        above=live,
        script=_own("board.js"),
        style=_own("board.css"),
        connects=True,
        orders=tuple(shown.order for shown in cards),
    )
    return wrap([shown.item for shown in cards], shell)
