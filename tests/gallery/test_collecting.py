"""What the gallery finds in folders and journals."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from seedance_async import DownloadFailed, JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import PlannedRow
from seedance_async.media.gallery import collect, write_gallery
from seedance_async.media.sidecar import sidecar_path
from tests.gallery.shelves import CLIP, accept, body, ended, fill, put, save

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def test_a_folder_tells_what_its_sidecars_say(tmp_path: Path) -> None:
    """Prompt, settings, seed, tokens, price and time come from the file beside the video."""
    put(tmp_path, "cat.mp4", body("a cat surfing"), "cgt-9")
    (item,) = await collect(tmp_path)
    assert (item.key, item.status, item.prompt, item.video) == (
        "cat",
        "succeeded",
        "a cat surfing",
        "./cat.mp4",
    )
    assert (item.task_id, item.seed, item.tokens, item.cost) == ("cgt-9", 7, 108_900, Decimal("1.7424"))
    assert (item.seconds, item.at, item.size) == (56.0, 1_700_000_056.0, len(CLIP))
    assert ("Resolution", "720p") in item.facts


async def test_a_video_without_sidecar_is_shown(tmp_path: Path) -> None:
    """`session.download` leaves none, and other people's videos have none."""
    put(tmp_path, "plain.mov")
    (item,) = await collect(tmp_path)
    assert (item.key, item.prompt, item.cost) == ("plain", "", None)


@pytest.mark.parametrize(
    "text", [b"", b"[1, 2]", b"{", b"null", b'{"request": 5, "task": [], "tokens": "many"}', b"[" * 100_000]
)
async def test_a_broken_sidecar_hides_no_video(tmp_path: Path, text: bytes) -> None:
    """Whatever lies in the sidecar's place, the video is shown."""
    sidecar_path(put(tmp_path, "cat.mp4")).write_bytes(text)
    (item,) = await collect(tmp_path)
    assert (item.video, item.tokens) == ("./cat.mp4", None)


async def test_names_of_any_kind_become_addresses(tmp_path: Path) -> None:
    """A colon, a query sign or a quote in a file name neither leaves the folder nor breaks the page."""
    for name in ("a:b.mp4", "what?.mp4", "100%#1.mp4", 'it\'s "x".mp4', "橘猫.mp4", "sub/deep.mp4"):
        put(tmp_path, name)
    videos = {item.video for item in await collect(tmp_path)}
    assert "./a%3Ab.mp4" in videos
    assert "./100%25%231.mp4" in videos
    assert "./sub/deep.mp4" in videos
    assert all(video is not None and not set("?#\"' ") & set(video) for video in videos)


async def test_hidden_folders_and_part_files_stay_away(tmp_path: Path) -> None:
    """A download on its way and a tool's own folder are no results."""
    put(tmp_path, ".demo-x/half.mp4")
    (tmp_path / "cat.mp4.part").write_bytes(CLIP)
    (tmp_path / "folder.mp4").mkdir()
    assert await collect(tmp_path) == []


async def test_the_last_frame_stands_for_the_video(tmp_path: Path) -> None:
    """Where a last frame was saved, it is shown until the video plays."""
    put(tmp_path, "cat.mp4")
    (tmp_path / "cat.last.png").write_bytes(b"png")
    (item,) = await collect(tmp_path)
    assert item.poster == "./cat.last.png"


async def test_a_journal_tells_of_every_prompt_in_order(tmp_path: Path) -> None:
    """Failures, refusals, what is alive and what was never sent are there, each with its next step."""
    await fill(tmp_path / "run.db", tmp_path)
    items = {item.key: item for item in await collect(tmp_path, journal=tmp_path / "run.db")}
    assert {key: item.status for key, item in items.items()} == {
        "surf": "succeeded",
        "dance": "succeeded",
        "censored": "failed",
        "nomodel": "refused",
        "alive": "accepted",
        "lost": "uncertain",
        "later": "planned",
        "landing": "succeeded",
        "slow": "expired",
    }
    assert list(items)[:3] == ["surf", "dance", "censored"]
    assert items["surf"].video == "./surf.mp4"
    advised = {key: item.problem.advice for key, item in items.items() if item.problem is not None}
    assert set(advised) == {"censored", "nomodel", "alive", "lost", "landing", "slow"}
    assert all(advised.values())
    refused = items["nomodel"].problem
    assert refused is not None
    assert (refused.code, refused.message, refused.request_id) == ("ModelNotOpen", "Not open.", "0217953636")


async def test_a_journal_in_use_can_be_shown(tmp_path: Path) -> None:
    """A gallery of a running batch takes no lock and disturbs nobody."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await save(journal, "surf", 0, tmp_path)
        items = await collect(tmp_path, journal=tmp_path / "run.db")
        await save(journal, "dance", 1, tmp_path)
    assert [item.key for item in items] == ["surf"]


async def test_a_folder_that_moved_still_shows_its_videos(tmp_path: Path) -> None:
    """Where the journal names a place that is gone, videos are found beside the page, or by their task."""
    (tmp_path / "old").mkdir()
    async with Journal.open(tmp_path / "run.db") as journal:
        await save(journal, "surf", 0, tmp_path / "old")
        path = await save(journal, "dance", 1, tmp_path / "old")
    path.rename(path.with_name("renamed.mp4"))
    sidecar_path(path).rename(path.with_name("renamed.mp4.json"))
    (tmp_path / "old").rename(tmp_path / "new")
    items = await collect(tmp_path / "new", journal=tmp_path / "run.db")
    assert [item.video for item in items] == ["./surf.mp4", "./renamed.mp4"]


async def test_a_video_that_is_gone_says_so(tmp_path: Path) -> None:
    """A card without its video is no empty black box."""
    async with Journal.open(tmp_path / "run.db") as journal:
        (await save(journal, "surf", 0, tmp_path)).unlink()
    (item,) = await collect(tmp_path, journal=tmp_path / "run.db")
    assert item.video is None
    assert item.problem is not None
    assert "not where it was saved" in item.problem.message


async def test_a_video_in_a_bucket_is_named_not_fetched(tmp_path: Path) -> None:
    """An object store's address is shown as a text."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await accept(journal, "surf", 0)
        await journal.ended("surf", ended("cgt-surf"))
        await journal.saved("surf", file="s3://bucket/surf.mp4", size=5, sha256="0" * 64)
    (item,) = await collect(tmp_path, journal=tmp_path / "run.db")
    assert (item.video, item.problem, item.place) == (None, None, "s3://bucket/surf.mp4")


async def test_videos_that_the_journal_does_not_know_come_last(tmp_path: Path) -> None:
    """A folder may hold more than one batch; a video that both know is shown once."""
    put(tmp_path, "a-stranger.mp4", body("another batch"), "cgt-other")
    await fill(tmp_path / "run.db", tmp_path)
    items = await collect(tmp_path, journal=tmp_path / "run.db")
    assert items[-1].key == "a-stranger"
    assert sum(item.video == "./surf.mp4" for item in items) == 1


async def test_no_more_items_than_asked_for(tmp_path: Path) -> None:
    """A journal of a million prompts makes a page that opens."""
    await fill(tmp_path / "run.db", tmp_path)
    assert len(await collect(tmp_path, journal=tmp_path / "run.db", most=4)) == 4


async def test_hundreds_of_rows_come_in_the_order_of_the_input(tmp_path: Path) -> None:
    """Rows are read page by page, and stand as the input stood, not as they happened to be planned."""
    async with Journal.open(tmp_path / "run.db") as journal:
        await journal.plan(
            [PlannedRow(key=f"{n}", index=n, request=body(f"prompt {n}")) for n in reversed(range(450))]
        )
    items = await collect(tmp_path, journal=tmp_path / "run.db")
    assert [item.key for item in items] == [str(n) for n in range(450)]


async def test_no_journal_is_an_error(tmp_path: Path) -> None:
    """A typing error in the journal's name does not pass for an empty batch."""
    with pytest.raises(JournalError):
        await write_gallery(tmp_path, journal=tmp_path / "rum.db")
    assert not (tmp_path / "index.html").exists()


async def test_the_page_is_as_open_as_its_folder(tmp_path: Path) -> None:
    """A folder that only its owner reads keeps its prompts to itself; a public one can be served."""
    for mode, expected in ((0o700, 0o600), (0o755, 0o644)):
        tmp_path.chmod(mode)
        page = await write_gallery(tmp_path)
        assert page.stat().st_mode & 0o777 == expected


async def test_an_old_page_gives_way_only_to_a_whole_one(tmp_path: Path) -> None:
    """Where nothing can be written the error says so, and no half page is left."""
    page = await write_gallery(tmp_path, title="first")
    assert "<title>first</title>" in page.read_text("utf-8")
    with pytest.raises(DownloadFailed, match="refused"):
        await write_gallery(tmp_path, name="missing/index.html")
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


async def test_half_a_character_stops_nothing(tmp_path: Path) -> None:
    """A prompt cut in the middle of an emoji is written as what browsers show for it."""
    put(tmp_path, "cat.mp4", body("half \ud83d of it"))
    page = await write_gallery(tmp_path)
    assert "half " in page.read_text("utf-8")


async def test_nothing_secret_reaches_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed URLs, callback addresses and keys that stand in a sidecar are not in the page."""
    monkeypatch.setitem(os.environ, "SEEDANCE_API_KEY", "sk-secret-1")
    put(tmp_path, "cat.mp4")
    secrets = {
        "callback_url": "https://h.example/cb/s3cr3t",
        "api_key": "s3cr3t",
        "content": [{"type": "image_url", "image_url": {"url": "https://h.example/a.png?sig=s3cr3t"}}],
    }
    told = {"version": 1, "request": secrets, "task": {"video_url": "https://v.example/x.mp4?sig=s3cr3t"}}
    (tmp_path / "cat.mp4.json").write_text(json.dumps(told), "utf-8")
    page = (await write_gallery(tmp_path)).read_text("utf-8")
    assert "a.png (h.example)" in page
    assert "s3cr3t" not in page
    assert "sk-secret" not in page
