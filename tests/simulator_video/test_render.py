"""A rendered clip is a real MP4 that shows what was asked."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from seedance_async.simulator.video import packaged_clip, render_clip, render_still, scene, tone
from seedance_async.simulator.video.__main__ import main
from tests.simulator_video.helpers import boxes, decode, small_clip


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def png(colour: tuple[int, int, int], size: tuple[int, int] = (400, 400)) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """A PNG as a picture."""
    return Image.open(io.BytesIO(content)).convert("RGB")


@pytest.mark.parametrize("size", [(864, 496), (496, 864), (1112, 834), (992, 432), (854, 480), (2206, 946)])
def test_codec_size_rate_and_length_are_exact(size: tuple[int, int]) -> None:
    """H.264 in yuv420p of exactly the asked pixels, also where libav pads rows; every frame is there."""
    found = decode(render_clip(small_clip(width=size[0], height=size[1], seconds=0.5)))
    assert (found.video_codec, found.pixels, found.size, found.fps) == ("h264", "yuv420p", size, 24)
    assert len(found.pictures) == 12
    assert {picture.size for picture in found.pictures} == {size}


@pytest.mark.parametrize("audio", [True, False])
def test_the_file_lasts_as_long_as_asked(audio: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """The container's own duration is the asked one, to the millisecond, with and without sound."""
    assert decode(render_clip(small_clip(seconds=4, audio=audio))).seconds == pytest.approx(4, abs=0.001)


def test_sound_is_there_when_asked() -> None:
    """Audio gives an AAC track of full length, no audio gives no track."""
    loud, silent = (decode(render_clip(small_clip(audio=audio))) for audio in (True, False))
    assert loud.audio_codec == "aac"
    assert len(loud.samples) == pytest.approx(tone.RATE, abs=2048)
    assert silent.audio_codec is None


@pytest.mark.parametrize("fps", [1, 7, 25, 30, 60])
def test_other_frame_rates_keep_sound_and_picture_together(fps: int) -> None:
    """A rate that does not divide the sample rate loses neither frames nor sound."""
    found = decode(render_clip(small_clip(fps=fps, seconds=2)))
    assert (found.fps, len(found.pictures)) == (fps, 2 * fps)
    assert len(found.samples) == pytest.approx(2 * tone.RATE, abs=2048)
    assert found.seconds == pytest.approx(2, abs=0.001)


def test_the_tone_is_audible_and_has_the_pitch_of_its_seed() -> None:
    """The decoded sound is loud enough to hear and crosses zero as often as its pitch says."""
    samples = decode(render_clip(small_clip(seed=3))).samples[4800:43200]
    crossings = sum(before < 0 <= after for before, after in pairwise(samples))
    assert crossings == pytest.approx(len(samples) / tone.period(3), rel=0.02)
    assert 0.15 < max(samples) < 0.4


def test_pitches_differ_between_seeds() -> None:
    """Neighbouring seeds sound different, and every pitch lies between 240 and 800 Hz."""
    periods = [tone.period(seed) for seed in range(20)]
    assert len(set(periods)) > 15
    assert all(240 <= tone.RATE / samples <= 800 for samples in periods)


def test_the_tone_is_soft_at_both_ends() -> None:
    """No click: the first and last samples are silent, and a track of no samples is empty."""
    sound = tone.samples(1, 9600)
    assert (len(sound), sound[0], sound[-1]) == (9600, 0, 0)
    assert len(tone.samples(1, 0)) == 0


def test_the_index_stands_in_front() -> None:
    """A player may start before the whole file has come: `moov` precedes `mdat`."""
    names = boxes(render_clip(small_clip()))
    assert names.index("moov") < names.index("mdat")


def test_every_frame_differs_from_the_one_before() -> None:
    """The picture moves all the time."""
    pictures = decode(render_clip(small_clip())).pictures
    assert all(one.tobytes() != other.tobytes() for one, other in pairwise(pictures))


def test_equal_clips_give_equal_bytes() -> None:
    """Drawing again changes nothing, so a video can be asked for by ranges and compared."""
    clip = small_clip(prompt="猫 again")
    assert render_clip(clip) == render_clip(clip)


@pytest.mark.parametrize(
    "changes",
    [{"seed": 8}, {"seed": 2**32 - 1}, {"prompt": "a dog surfing"}, {"prompt": ""}, {"prompt": "猫"}],
)
def test_pictures_differ_by_seed_and_prompt(changes: dict[str, Any]) -> None:
    """What was asked can be told from the picture."""
    assert difference(opened(render_still(small_clip(**changes))), opened(render_still(small_clip()))) > 0.1


def test_neighbouring_seeds_look_unlike() -> None:
    """The backgrounds of seeds 0 to 9 are ten clearly different colours."""
    corners = [opened(render_still(small_clip(seed=seed))).getpixel((319, 50)) for seed in range(10)]
    colours = [corner for corner in corners if isinstance(corner, tuple)]
    apart = [
        sum(abs(a - b) for a, b in zip(one, other, strict=True))
        for place, one in enumerate(colours)
        for other in colours[:place]
    ]
    assert len(apart) == 45
    assert min(apart) > 15


def test_the_still_is_the_last_frame() -> None:
    """The PNG has the video's size and, but for the encoder's loss, the colours of its last frame."""
    clip = small_clip(width=640, height=360)
    content = render_still(clip)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    last = decode(render_clip(clip)).pictures[-1]
    assert last.size == opened(content).size
    assert difference(last, opened(content)) < 4


@pytest.mark.parametrize("size", [(400, 400), (300, 700), (900, 300)])
def test_a_first_frame_is_the_background(size: tuple[int, int]) -> None:
    """A given picture fills the frame whatever its ratio."""
    picture = opened(render_still(small_clip(still=png((200, 40, 90), size), prompt="", seconds=0.1)))
    colours = picture.crop((0, 0, 320, 100)).getcolors(320 * 100) or []
    _count, commonest = max(colours, key=lambda entry: entry[0])
    assert isinstance(commonest, tuple)
    assert all(abs(got - asked) <= 4 for got, asked in zip(commonest, (200, 40, 90), strict=True))


@pytest.mark.parametrize("still", [b"no picture", png((1, 2, 3))[:60], b"GIF89a"])
def test_an_unreadable_first_frame_is_said_not_fatal(still: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A clip is drawn all the same; a warning tells it and does not quote the bytes."""
    assert opened(render_still(small_clip(still=still))).size == (320, 180)
    assert f"the first frame ({len(still)} bytes) is not an image that Pillow can read" in caplog.text


@pytest.mark.parametrize("size", [(320, 180), (992, 432), (496, 864), (64, 64)])
def test_a_long_prompt_leaves_room_for_the_picture(size: tuple[int, int]) -> None:
    """However long the prompt, a quarter of the height at least stays free for what moves."""
    clip = small_clip(prompt="word 字 " * 5000, width=size[0], height=size[1])
    assert scene.compose(clip).stage >= size[1] / 4


def test_the_packaged_clip_plays_without_the_extra() -> None:
    """The ready-made clip is small and has picture, motion and sound like a rendered one."""
    content = packaged_clip()
    found = decode(content)
    assert len(content) <= 15_000
    assert (found.video_codec, found.pixels, found.audio_codec) == ("h264", "yuv420p", "aac")
    assert (found.size, len(found.pictures)) == ((480, 270), 120)
    assert found.seconds == pytest.approx(5, abs=0.001)
    assert found.pictures[0].tobytes() != found.pictures[-1].tobytes()
    assert boxes(content).index("moov") < boxes(content).index("mdat")


def test_the_packaged_clip_can_be_made_again(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The maker writes a file that shows the same as the packaged one and says its size."""
    target = tmp_path / "clip.mp4"
    assert main([str(target)]) == 0
    made, packaged = decode(target.read_bytes()), decode(packaged_clip())
    assert difference(made.pictures[-1], packaged.pictures[-1]) < 2
    assert capsys.readouterr().out == f"{target}: {target.stat().st_size} bytes\n"
