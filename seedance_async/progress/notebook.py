"""The view of a notebook: one output below the cell, drawn over in place. The kernel brings all it needs."""

from __future__ import annotations

import sys
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from seedance_async.progress.words import COLOURS, head_of, money_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from seedance_async.progress.tally import Tally

__all__ = ["NotebookView", "kernel_shell"]

_BOX: Final = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;line-height:1.5"
_BAR: Final = (
    "display:inline-block;width:16em;height:.55em;border-radius:1em;background:rgba(128,128,128,.25);"
    "overflow:hidden;margin-right:.8em;vertical-align:middle"
)
_FULL: Final = "display:block;height:100%;background:#2e9e68"
_SOFT: Final = "opacity:.65"
_CSS: Final = {
    "green": "#2e9e68",
    "red": "#d64550",
    "yellow": "#b98900",
    "cyan": "#1a8fa8",
    "blue": "#3b73d9",
}


def kernel_shell() -> Any:
    """Give the shell of the notebook's kernel that this process is, or None."""
    # Whoever runs in a kernel has IPython imported already; nobody else pays for a look.
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


class NotebookView:
    """One output that is drawn over; a run that begins in another cell gets one there."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._handle: Any = None
        self._cell = 0

    def show(self, tally: Tally, recent: Sequence[str], now: float) -> None:
        """Draw the state of a run."""
        display: Any = import_module("IPython.display").display  # published without types
        data = {"text/html": _html(tally, recent, now), "text/plain": plain(tally, recent, now)}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
            self._cell = self._shell.execution_count
        else:
            self._handle.update(data, raw=True)

    def begin(self) -> bool:
        """Show what begins after a rest in its own cell; tells whether that is another one."""
        if self._shell.execution_count != self._cell:
            self._handle = None
        return self._handle is None

    def hide(self) -> bool:
        """Stay: nobody writes where it is."""
        return False

    def write(self, text: str) -> bool:
        """Leave a line of the caller's own to the picture."""
        del text
        return False

    def end(self, tally: Tally, recent: Sequence[str], now: float) -> None:
        """Show how it ended: what is shown in a notebook is kept with it."""
        self.show(tally, recent, now)


def _html(tally: Tally, recent: Iterable[str], now: float) -> str:
    """Put the output together; what comes from outside is escaped here."""
    lines = [f'<span style="{_SOFT}">{escape(line)}</span>' for line in recent]
    lines.append(f"{_bar(tally)}{escape(head_of(tally, now))}")
    lines.append(" &middot; ".join(_count(word, count) for word, count in tally.states().items() if count))
    lines.append(escape(money_of(tally)))
    rows = "".join(f"<div>{line}</div>" for line in lines if line)
    return f'<div style="{_BOX}">{rows}</div>'


def _bar(tally: Tally) -> str:
    """Draw how far it is; nothing where nobody knows how far it goes."""
    if not tally.total:
        return ""
    share = 100 * min(1.0, tally.done / tally.total)
    return f'<span style="{_BAR}"><span style="{_FULL};width:{share:.1f}%"></span></span>'


def _count(word: str, count: int) -> str:
    """Write one count in its colour."""
    colour = _CSS.get(COLOURS.get(word, "").removeprefix("bold "), "inherit")
    return f'<span style="color:{colour}">{count} {escape(word)}</span>'
