"""The stream of changes: what a reader hears, when, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from seedance_async import Outcome, OutcomeKind, TaskStatus, VideoRequest
from seedance_async.board import serve_board
from seedance_async.board.news import News
from seedance_async.ledger.journal import Journal
from tests.boardlive.stands import accept, change, reading
from tests.gallery.shelves import accept as accept_in
from tests.gallery.shelves import fill

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boardlive.stands import Reader

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def heard(reader: Reader, cards: int, query: str = "", **headers: str) -> list[tuple[int, str]]:
    """Listen until so many cards came; gives their revisions and HTML."""
    found: list[tuple[int, str]] = []
    async with contextlib.aclosing(reader.events(query, **headers)) as events:
        async for name, revision, data in events:
            if name == "card":
                found.append((revision, data))
            if len(found) == cards:
                break
    return found


async def test_a_reader_hears_of_changes(tmp_path: Path) -> None:
    """What happens after the page was made reaches the page, each change with its number."""
    async with reading(tmp_path) as reader:
        listening = asyncio.create_task(heard(reader, 2))
        await asyncio.sleep(1)
        accept(reader.board, "surf")
        await asyncio.sleep(1)
        change(reader.board, "surf", TaskStatus.RUNNING)
        first, second = await listening
    assert 'data-status="queued"' in first[1]
    assert 'data-status="running"' in second[1]
    assert first[0] < second[0]


async def test_many_changes_at_once_come_together(tmp_path: Path) -> None:
    """A card that changed thrice within a moment is sent once, as it is at last."""
    async with reading(tmp_path) as reader:
        listening = asyncio.create_task(heard(reader, 2))
        await asyncio.sleep(1)
        accept(reader.board, "surf")
        change(reader.board, "surf", TaskStatus.RUNNING)
        change(reader.board, "surf", TaskStatus.FAILED)
        accept(reader.board, "dance")
        first, second = await listening
    assert 'data-status="failed"' in first[1]
    assert 'data-key="dance"' in second[1]


async def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    """After a break the browser names what it saw last, and gets only what changed since."""
    async with reading(tmp_path) as reader:
        for key in ("a", "b", "c"):
            accept(reader.board, key)
        all_three = await heard(reader, 3)
        (last,) = await heard(reader, 1, f"?after={all_three[1][0]}")
        (again,) = await heard(reader, 1, "?after=0", Last_Event_ID=str(all_three[1][0]))
        odd = await heard(reader, 3, "?after=-1%20or")
    assert last == again == all_three[2]
    assert odd == all_three


async def test_the_head_moves_by_itself(tmp_path: Path) -> None:
    """While something is in flight the time goes on without any event."""
    async with reading(tmp_path, total=2) as reader:
        accept(reader.board, "surf")
        heads: list[str] = []
        async with contextlib.aclosing(reader.events()) as events:
            async for name, _, data in events:
                heads += [data] if name == "head" else []
                if len(heads) == 3:
                    break
    assert len(set(heads)) == 3
    assert all("0 of 2" in head for head in heads)


async def test_the_end_is_told_and_waits_for_nobody(tmp_path: Path) -> None:
    """When the batch ends readers hear the last changes and the end; closing takes no more than a moment."""
    loop = asyncio.get_running_loop()
    async with reading(tmp_path) as reader:
        names: list[str] = []

        async def listen() -> None:
            async for name, _, _ in reader.events():
                names.append(name)

        async with serve_board(tmp_path) as board:
            reader.board = board
            listening = asyncio.create_task(listen())
            await asyncio.sleep(1)
            accept(board, "surf")
            left = loop.time()
        assert loop.time() - left < 2
        await listening
    assert names[-1] == "end"
    assert "card" in names


async def test_a_reader_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    """A sleeping browser neither slows the batch nor keeps the board from closing."""
    loop = asyncio.get_running_loop()
    async with reading(tmp_path) as reader, reader.http.get(f"{reader.board.url}events"):
        for number in range(2000):
            accept(reader.board, f"{number:05} {'long ' * 40}")
        await asyncio.sleep(5)
        left = loop.time()
    assert loop.time() - left < 5


async def test_prompts_come_from_the_journal(tmp_path: Path) -> None:
    """Events name a key only; the journal, which may be made after the board, tells its prompt."""
    async with reading(tmp_path, journal=tmp_path / "run.db") as reader:
        accept(reader.board, "surf")
        assert "no prompt is known" in (await heard(reader, 1))[0][1]
        async with Journal.open(tmp_path / "run.db") as journal:
            await accept_in(journal, "surf", 0)
            told = await heard(reader, 1)
    assert "prompt of surf" in told[0][1]
    assert 'data-status="queued"' in told[0][1]


async def test_earlier_runs_are_on_the_board(tmp_path: Path) -> None:
    """A batch that goes on shows what it had, videos included, before anything happens."""
    await fill(tmp_path / "run.db", tmp_path)
    async with reading(tmp_path, journal=tmp_path / "run.db") as reader:
        async with reader.http.get(reader.board.url) as answer:
            page = await answer.text()
        assert page.count("<article") == 9
        assert await reader.status("video/0.mp4") == 200
        assert 'data-revision="' in page


async def test_planned_prompts_wait_on_the_board(tmp_path: Path) -> None:
    """A prompt that was told beforehand is there, and its outcome takes its place."""
    request = VideoRequest(prompt="a cat surfing")
    async with reading(tmp_path) as reader:
        reader.board.plan("surf", request)
        assert 'data-status="waiting"' in (await heard(reader, 1))[0][1]
        reader.board.note(Outcome(key="surf", kind=OutcomeKind.SKIPPED, request=request))
        reader.board.plan("surf", request)
        ((_, html),) = await heard(reader, 1)
    assert 'data-status="skipped"' in html


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Whatever ends the block, no task of the board goes on."""
    before = asyncio.all_tasks()

    async def batch() -> None:
        async with serve_board(tmp_path) as board:
            accept(board, "surf")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await batch()
    assert asyncio.all_tasks() == before


async def test_news_are_heard_by_all_and_missed_by_none() -> None:
    """A bell that rings for several listeners wakes each, and after the end nobody waits."""
    news = News()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(news.heard(60))
        await asyncio.sleep(1)
        news.ring()
    assert loop.time() == pytest.approx(1, abs=0.1)
    news.end()
    await news.heard(60)
    assert loop.time() == pytest.approx(1, abs=0.1)
