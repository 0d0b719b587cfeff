"""What a board shows at this moment: a card per prompt, and when each changed last. Pure book-keeping."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from attrs import define, field, frozen

from seedance_async.board.outcomes import item_of
from seedance_async.events import (
    DownloadFinished,
    DownloadStarted,
    SubmitAbsent,
    SubmitAccepted,
    SubmitAdopted,
    SubmitLost,
    TaskChanged,
    TaskResumed,
)
from seedance_async.media.gallery.cards import MOVING
from seedance_async.media.gallery.items import Item
from seedance_async.models import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.events import Event
    from seedance_async.media.gallery.pricing import Pricer
    from seedance_async.outcomes import Outcome

__all__ = ["Shown", "State"]

_VIDEOS: Final = {".mp4", ".mov"}
_LANDING: Final = "landing"


@frozen
class Shown:
    """One card as it was at one moment: a reader that is slow must not take a later change for this one.

    Attributes:
        item: what it shows.
        order: its place among all cards that ever were.
        revision: counts changes of the whole board; the one at which this card changed last.
    """

    item: Item
    order: int
    revision: int


@define(kw_only=True, eq=False)
class State:
    """The cards of a board.

    Attributes:
        pricer: puts tokens into money.
        most: cards that are kept; of more, those that ended first go.
        cards: key -> card.
        unknown: keys of which only an event told; their request may be in the journal.
        revision: counts changes.
    """

    pricer: Pricer
    most: int = 2000
    cards: dict[str, Shown] = field(factory=dict[str, Shown])
    unknown: set[str] = field(factory=set[str])
    revision: int = 0
    _keys: dict[str, str] = field(factory=dict[str, str])
    _videos: dict[str, Path] = field(factory=dict[str, Path])
    _orders: int = 0

    # -- what it is told

    def take(self, event: Event) -> None:
        """Take in one event of a session."""
        if isinstance(event, SubmitAccepted | SubmitAdopted):
            self._keys[event.task_id] = event.key
            self._move(event.key, TaskStatus.QUEUED.value, task_id=event.task_id)
        elif isinstance(event, TaskResumed):
            self._keys[event.task_id] = event.key
        elif isinstance(event, SubmitLost):
            self._move(event.key, "looked for")
        elif isinstance(event, SubmitAbsent):
            self._move(event.key, "waiting")
        elif isinstance(event, TaskChanged):
            self._changed(event)
        elif isinstance(event, DownloadStarted) and event.task_id in self._keys:
            self._move(self._keys[event.task_id], _LANDING)
        elif isinstance(event, DownloadFinished):
            self._landed(event)

    def note(self, outcome: Outcome) -> None:
        """Take in the outcome of one prompt."""
        before = self.cards.get(outcome.key)
        self.unknown.discard(outcome.key)
        self.put(item_of(outcome, self.pricer, before.item if before is not None else None))
        if isinstance(outcome.path, Path):
            self.film(outcome.key, outcome.path)
        if outcome.task is not None:
            self._keys.pop(outcome.task.id, None)

    def put(self, item: Item) -> None:
        """Show an item, in place of what was known of its key."""
        self.revision += 1
        known = self.cards.get(item.key)
        if known is not None:
            self.cards[item.key] = Shown(item, known.order, self.revision)
            return
        self.cards[item.key] = Shown(item, self._orders, self.revision)
        self._orders += 1
        self._make_room()

    def fill(self, item: Item) -> None:
        """Add what the journal tells of a key to what events told of it."""
        known = self.cards.get(item.key)
        self.unknown.discard(item.key)
        if known is not None:
            now = known.item
            status, video = now.status, now.video
            self.put(item.evolve(status=status, video=video, problem=now.problem, task_id=now.task_id))

    def restore(self, items: Iterable[Item], folder: Path) -> None:
        """Show what earlier runs left."""
        for item in items:
            self.put(item.evolve(video=None, poster=None))
            if item.video is not None:
                self.film(item.key, folder / unquote(item.video))

    def film(self, key: str, path: Path) -> None:
        """Show the video of a key."""
        known = self.cards[key]
        name = f"video/{known.order}{path.suffix}"
        self._videos[name] = path
        self.put(known.item.evolve(video=f"./{name}", problem=None))

    # -- what can be asked

    def video(self, name: str) -> Path | None:
        """Give the file behind an address of this board, or None."""
        return self._videos.get(name)

    @property
    def home(self) -> str:
        """The folder on this machine that holds the videos, "" where there are none."""
        folders = {str(path.parent) for path in self._videos.values()}
        return os.path.commonpath(folders) if folders else ""

    def since(self, revision: int) -> list[Shown]:
        """Give the cards that changed after a revision, in the order of their changes."""
        changed = [card for card in self.cards.values() if card.revision > revision]
        return sorted(changed, key=lambda card: card.revision)

    # -- how it is done

    def _move(self, key: str, status: str, task_id: str = "") -> None:
        """Bring a card to another state."""
        known = self.cards.get(key)
        if known is None:
            self.put(Item(key=key, status=status, task_id=task_id))
            self.unknown.add(key)
        elif known.item.status != status:
            self.put(known.item.evolve(status=status, task_id=task_id or known.item.task_id))

    def _changed(self, event: TaskChanged) -> None:
        """A task went on, or ended; what its end means for the prompt is told by the outcome."""
        key = self._keys.get(event.task_id)
        if key is not None and event.after is not TaskStatus.UNKNOWN:
            succeeded = event.after is TaskStatus.SUCCEEDED
            self._move(key, _LANDING if succeeded else event.after.value)

    def _landed(self, event: DownloadFinished) -> None:
        """A file is on disk; a last frame is no video."""
        key, path = self._keys.get(event.task_id), Path(event.path)
        if key is not None and path.suffix.lower() in _VIDEOS and "://" not in event.path:
            self._move(key, TaskStatus.SUCCEEDED.value)
            self.film(key, path)

    def _make_room(self) -> None:
        """Let the card go that ended first, or the oldest one where all are on their way."""
        if len(self.cards) <= self.most:
            return
        ended = (key for key, card in self.cards.items() if card.item.status not in MOVING)
        key = next(islice(ended, 1), next(iter(self.cards)))
        order = self.cards.pop(key).order
        for name in [name for name in self._videos if name.startswith(f"video/{order}.")]:
            del self._videos[name]
        self.unknown.discard(key)
