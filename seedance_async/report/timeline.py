"""The timeline: every task as a bar, from the plan to the video on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from unicodedata import east_asian_width

from seedance_async.ledger.rows import JobState
from seedance_async.media.gallery.words import seconds_text
from seedance_async.report.axis import axis_of
from seedance_async.report.svg import WIDTH, Figure, bar, element, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.report.axis import Axis
    from seedance_async.report.facts import Fact, Facts

__all__ = ["timeline"]

_MOST: Final = 2000
_LABELLED: Final = 40
_TALL, _LOW, _ALL = 18.0, 0.8, 640.0
_GUTTER, _EDGE = 168.0, 24.0
_TOP: Final = 46.0
_KEY: Final = 20
_DIM: Final = {JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED}
_OPEN: Final = {JobState.ACCEPTED, JobState.SENDING, JobState.UNCERTAIN}
_LEGEND: Final = (
    ("wait", "waiting here"),
    ("work", "at the server"),
    ("land", "landing"),
    ("lost", "ended without a video"),
    ("open", "not ended"),
)


def timeline(facts: Facts) -> Figure:
    """Draw one bar per job; of very many jobs an even choice is drawn."""
    every = max(1, -(-len(facts.jobs) // _MOST))
    jobs = facts.jobs[::every]
    height = min(_TALL, max(_LOW, _ALL / max(1, len(jobs))))
    labelled = len(jobs) <= _LABELLED
    axis = axis_of(_spans(facts), left=_GUTTER if labelled else _EDGE, right=WIDTH - _EDGE)
    bottom = _TOP + height * len(jobs)
    parts = [_legend(), axis.drawn(_TOP, bottom)]
    for index, job in enumerate(jobs):
        parts.append(_row(job, axis, _TOP + index * height, height, facts.end))
        if labelled:
            parts.append(_name(job, _TOP + (index + 1) * height - height / 2 + 4))
    shown = "" if every == 1 else f" (one of {every} is drawn)"
    words = f"{len(facts.jobs)} prompts within {seconds_text(facts.end - facts.begin)}"
    return Figure(
        title=f"Timeline of every prompt{shown}", words=words, height=bottom + 28, body="".join(parts)
    )


def _spans(facts: Facts) -> Iterator[tuple[float, float]]:
    """Give the stretches in which something happened; mere waiting is none, or a night would not be cut."""
    for job in facts.jobs:
        start = job.planned if job.sent is None else job.sent
        yield start, max(start, job.last)
        yield job.planned, job.planned


def _row(job: Fact, axis: Axis, top: float, height: float, end: float) -> str:
    """Draw the bars of one job."""
    inner = height * (0.72 if height > 3 else 1)  # noqa: PLR2004 - thin bars touch each other
    tip = f"{job.key}: {job.status}" + (f" ({job.why})" if job.why else "")
    parts: list[str] = []
    for start, stop, css in _stretches(job, end):
        x = axis.x(start)
        parts.append(bar(x, top, axis.x(stop) - x, inner, css=css, tip=tip))
    return "".join(parts)


def _stretches(job: Fact, end: float) -> Iterator[tuple[float, float, str]]:
    """Give where a job was, from when to when."""
    if job.sent is None:
        yield job.planned, job.planned, "lost" if job.state is JobState.REFUSED else "wait"
        return
    if job.sent > job.planned:
        yield job.planned, job.sent, "wait"
    if job.ended is None:
        open_ = job.state in _OPEN
        yield job.sent, end if open_ else job.sent, "open" if open_ else "lost"
        return
    yield job.sent, job.ended, "lost" if job.state in _DIM else "work"
    if job.saved is not None:
        yield job.ended, job.saved, "land"


def _name(job: Fact, y: float) -> str:
    """Write the name of a job to the left of its bar."""
    text = job.key
    while sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text) > _KEY:
        text = f"{text[:-2]}…"
    return label(_GUTTER - 10, y, text, "", "end")


def _legend() -> str:
    """Say what the colours mean."""
    parts: list[str] = []
    x = _EDGE
    for css, text in _LEGEND:
        parts.append(element("rect", x=x, y=4, width=11, height=11, rx=3, class_=css))
        parts.append(label(x + 17, 14, text, "soft"))
        x += 40 + 7 * len(text)
    return "".join(parts)
