"""The live view: a few lines on a terminal that are drawn over. The only room of progress that needs rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

from seedance_async.progress.words import COLOURS, head_of, money_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

    from seedance_async.progress.tally import Tally

__all__ = ["LiveView"]

_BAR: Final = 30


class LiveView:
    """Lines at the bottom of the terminal; they vanish when hidden and come back when shown."""

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=file, force_terminal=True)
        self._live: Live | None = None

    def show(self, tally: Tally, recent: Sequence[str], now: float) -> None:
        """Draw the state of a run."""
        from rich.live import Live

        if self._live is None:
            # Drawn by events and a timer of the loop: no thread of rich's own looks at the books.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_picture(tally, recent, now, self._console.width), refresh=True)

    def begin(self) -> bool:
        """Go on at the same place."""
        return False

    def hide(self) -> bool:
        """Take the lines away and give the terminal back; tells whether there were any."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()
        return live is not None

    def write(self, text: str) -> bool:
        """Write a line above, broken between words."""
        self._console.print(text, markup=False, highlight=False, emoji=False)
        return True

    def end(self, tally: Tally, recent: Sequence[str], now: float) -> None:
        """Take the lines away: what is left of a run is its results and its sum."""
        del tally, recent, now
        self.hide()


def _picture(tally: Tally, recent: Sequence[str], now: float, width: int) -> RenderableType:
    """Put the view together."""
    from rich.console import Group
    from rich.text import Text

    lines = [Text(f"  {line}", style="dim") for line in recent]
    lines += [_head(tally, now, width), _states(tally)]
    if money := money_of(tally):
        lines.append(Text(f"  {money}"))
    for line in lines:
        line.truncate(width - 1, overflow="ellipsis")
    return Group(*lines)


def _head(tally: Tally, now: float, width: int) -> Text:
    """Give the bar, how many are done, the time and the time left."""
    from rich.text import Text

    head = Text("  ")
    if tally.total:
        size = max(5, min(_BAR, width - 40))
        full = round(size * min(1.0, tally.done / tally.total))
        head.append("━" * full, style="green").append("─" * (size - full), style="dim").append(" ")
    done, _, rest = head_of(tally, now).partition("  ")
    return head.append(done, style="bold").append(f"  {rest}")


def _states(tally: Tally) -> Text:
    """Give one count for each state that is not empty."""
    from rich.text import Text

    counts = [(word, count) for word, count in tally.states().items() if count]
    text = Text("  ")
    for index, (word, count) in enumerate(counts):
        text.append(" · " if index else "").append(f"{count} {word}", style=COLOURS.get(word, ""))
    return text
