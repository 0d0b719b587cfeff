"""How tasks and outcomes show themselves in a notebook."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from seedance_async import Outcome, OutcomeKind, TaskFailed, TaskStatus, VideoRequest
from seedance_async.display import outcome_html, task_html, video_html
from seedance_async.models import TaskError
from seedance_async.report import Facts, draw
from tests.gallery.shelves import CLIP, ended, put

if TYPE_CHECKING:
    import pytest

SIGNED = "https://v.example/a.mp4?X-Tos-Signature=s3cr3t"


def notebook_of(thing: Any) -> str:
    """Give what a notebook shows of a value."""
    html: str = thing._repr_html_()
    return html


class Tags(HTMLParser):
    """Collects the tags of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        del attrs
        self.tags.append(tag)


def test_a_task_tells_its_facts_and_not_its_url() -> None:
    """Status, tokens and seed are there; the signed URL, which opens the video to anybody, is not."""
    html = notebook_of(ended("cgt-1", video_url=SIGNED, resolution="720p", duration=5))
    for words in ("cgt-1", "succeeded", "108,900", "720p", "5 s", "56 s", "session.download"):
        assert words in html
    assert "s3cr3t" not in html


def test_a_failed_task_says_why() -> None:
    """Code and words of the server are shown."""
    html = task_html(ended("cgt-1", TaskStatus.FAILED, error=TaskError(code="OutputX", message="No & no.")))
    assert "OutputX: No &amp; no." in html


def test_a_small_video_is_in_the_page(tmp_path: Path) -> None:
    """The notebook plays it wherever it goes."""
    path = put(tmp_path, "cat.mp4")
    outcome = Outcome(key="cat", kind=OutcomeKind.SUCCEEDED, request=VideoRequest(prompt="a cat"), path=path)
    html = notebook_of(outcome)
    data = html.partition("data:video/mp4;base64,")[2].partition('"')[0]
    assert base64.b64decode(data) == CLIP
    assert "a cat" in html


def test_a_large_video_is_linked_below_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would blow the notebook up is played from where it lies, or only named when that is elsewhere."""
    path = put(tmp_path, "out/a #1.mp4")
    monkeypatch.chdir(tmp_path)
    assert 'src="out/a%20%231.mp4"' in video_html(path, inline_most=10)
    monkeypatch.chdir(tmp_path / "out")
    assert 'src="a%20%231.mp4"' in video_html(Path("a #1.mp4"), inline_most=10)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert "<video" not in video_html(path, inline_most=10)
    assert "a #1.mp4" in video_html(path, inline_most=10)


def test_what_is_not_on_disk_is_named(tmp_path: Path) -> None:
    """A video that was moved, or lies in a bucket, is no error in the middle of a notebook."""
    assert "not there any more" in video_html(tmp_path / "gone.mp4")
    assert video_html("s3://bucket/cat.mp4") == "<p><code>s3://bucket/cat.mp4</code></p>"


def test_an_outcome_without_request_or_task_is_shown() -> None:
    """A line that could not be read has an outcome, too."""
    html = outcome_html(Outcome(key="line 3", kind=OutcomeKind.REFUSED, error=ValueError("no JSON")))
    assert "line 3" in html
    assert "no JSON" in html


@given(text=st.text(max_size=40))
def test_any_text_stays_text(text: str) -> None:
    """A prompt, a key or an error with HTML in it adds no element to the notebook."""
    task = ended(text, TaskStatus.FAILED, error=TaskError(code="c", message=text), model=text or "m")
    outcome = Outcome(
        key=text,
        kind=OutcomeKind.FAILED,
        request=VideoRequest(prompt=f"x{text}"),
        task=task,
        path=f"s3://{text}",
        error=TaskFailed(task),
    )
    assert set(Tags(outcome_html(outcome)).tags) <= {"div", "b", "span", "p", "code"}
    assert set(Tags(task_html(task)).tags) <= {"div", "b", "span"}


def test_a_report_shows_its_picture() -> None:
    """The figures come as one image, so that their style does not reach the notebook's."""
    html = notebook_of(draw(Facts(), title="t"))
    assert html.startswith('<img src="data:image/svg+xml;base64,')
    assert Tags(html).tags == ["img"]
