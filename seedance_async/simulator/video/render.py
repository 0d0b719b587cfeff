"""A clip as the bytes of an MP4: H.264 in yuv420p, and AAC when there is sound.

Containers and streams are `Any` here: PyAV's own types leave their packets open (`Packet[Unknown]`).
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
from attrs import frozen
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from seedance_async.simulator.video import tone

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from seedance_async.simulator.video.clip import Clip
    from seedance_async.simulator.video.scene import Planes, Scene


@frozen(kw_only=True)
class Effort:
    """How much time to spend on how few bytes."""

    preset: str
    crf: int  # x264's constant quality, 0 (lossless) to 51
    audio_bits: int  # a second


QUICK: Final = Effort(preset="ultrafast", crf=26, audio_bits=64_000)
SMALL: Final = Effort(preset="veryslow", crf=38, audio_bits=8_000)
# The colours are written as ITU-R BT.601 (see scene.py); players would guess BT.709 for tall pictures.
COLOURS: Final = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"


def encode(clip: Clip, scene: Scene, effort: Effort = QUICK) -> bytes:
    """Draw and encode every frame.

    Args:
        clip: what the scene was composed from.
        scene: draws the frames.
        effort: speed against size.

    Returns:
        A whole MP4 with its index in front, ready to be streamed.
    """
    # libav writes the index in front by opening the file again by its name, so memory will not do.
    with tempfile.TemporaryDirectory(prefix="seedance-clip-") as folder:
        path = Path(folder, "clip.mp4")
        # Half a second of each track in a row keeps the index short.
        options = {"movflags": "+faststart", "fflags": "+bitexact", "chunk_duration": "500000"}
        with av.open(str(path), "w", format="mp4", options=options) as container:
            _write(container, clip, scene, effort)
        return path.read_bytes()


def _write(container: Any, clip: Clip, scene: Scene, effort: Effort) -> None:
    video = _video_stream(container, clip, effort)
    sound = _sound_writer(container, clip, effort) if clip.audio else None
    for index in range(clip.frames):
        container.mux(video.encode(_video_frame(scene.frame(index), index)))
        if sound is not None:
            container.mux(sound(index + 1))
    container.mux(video.encode(None))
    if sound is not None:
        container.mux(sound(None))


def _video_stream(container: Any, clip: Clip, effort: Effort) -> Any:
    # One thread: the bytes must not depend on how many cores the machine has.
    options = {"preset": effort.preset, "crf": str(effort.crf), "x264-params": f"threads=1:{COLOURS}"}
    stream = container.add_stream("libx264", rate=clip.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
    stream.codec_context.time_base = Fraction(1, clip.fps)
    stream.codec_context.gop_size = 5 * clip.fps
    return stream


def _video_frame(planes: Planes, index: int) -> VideoFrame:
    frame = VideoFrame(planes[0].width, planes[0].height, "yuv420p")
    for target, picture in zip(frame.planes, planes, strict=True):
        # libav pads rows; a crop wider than the picture adds the padding.
        target.update(picture.crop((0, 0, target.line_size, picture.height)).tobytes())
    frame.pts = index
    return frame


def _sound_writer(container: Any, clip: Clip, effort: Effort) -> Callable[[int | None], Any]:
    """A function that encodes the sound up to the given number of frames, or what is left for None.

    Sound and picture are written side by side: the container would hold back one that runs ahead.
    """
    # The quick coder halves both time and bytes for a plain tone.
    options = {"aac_coder": "fast"}
    stream = container.add_stream("aac", rate=tone.RATE, layout="mono", options=options)
    stream.codec_context.bit_rate = effort.audio_bits
    total = clip.frames * tone.RATE // clip.fps
    sound = tone.samples(clip.seed, total)

    def write(frames: int | None) -> Any:
        if frames is None:
            return stream.encode(None)
        start, stop = ((count * tone.RATE) // clip.fps for count in (frames - 1, frames))
        return stream.encode(_audio_frame(sound[start:stop], start))

    return write


def _audio_frame(sound: array[int], start: int) -> AudioFrame:
    frame = AudioFrame(format="s16", layout="mono", samples=len(sound))
    frame.planes[0].update(sound.tobytes())
    frame.sample_rate = tone.RATE
    frame.time_base = Fraction(1, tone.RATE)
    frame.pts = start
    return frame
