"""One tile of the gallery: what was asked for and what became of it, ready to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from decimal import Decimal
    from typing import Any

__all__ = ["Item", "Problem"]


@frozen(kw_only=True)
class Problem:
    """Why there is no video.

    Attributes:
        code: the server's error code, or the class of the error.
        message: what happened.
        advice: what to do next, or "".
        request_id: the server's id of the request, which its support asks for, or "".
    """

    code: str = ""
    message: str = ""
    advice: str = ""
    request_id: str = ""


@frozen(kw_only=True)
class Item:
    """What the gallery shows of one prompt. Nothing in it is escaped yet, and nothing in it is secret.

    Attributes:
        key: names the prompt; unique within a page.
        status: one word; ``succeeded``, ``failed``, ``queued``...
        prompt: the text that was asked for.
        model: model id.
        video: URL of the video relative to the page, quoted, or None.
        poster: URL of a picture that stands for it, relative and quoted, or None.
        place: where the video is instead, when no page can show it (an object store), or "".
        task_id: the server's id, or "".
        seed: the seed that was used, or None.
        tokens: tokens billed, or None while unknown.
        cost: what they cost by the price list, or None where it does not say.
        currency: currency of the cost.
        seconds: from the submit to the end of the task, or None.
        at: Unix seconds by which items are sorted in time, or None.
        size: bytes of the video, or None.
        facts: everything else that is known, as label and text, in the order in which it is shown.
        problem: why there is no video, or None.
    """

    key: str
    status: str
    prompt: str = ""
    model: str = ""
    video: str | None = None
    poster: str | None = None
    place: str = ""
    task_id: str = ""
    seed: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None
    currency: str = ""
    seconds: float | None = None
    at: float | None = None
    size: int | None = None
    facts: tuple[tuple[str, str], ...] = field(default=())
    problem: Problem | None = None

    def evolve(self, **changes: Any) -> Item:
        """Give a copy with other values."""
        return evolve(self, **changes)
