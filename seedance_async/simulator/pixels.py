"""Pixel sizes and tokens (api docs 1520757 and 1544106; every published live sample fits the formula)."""

from __future__ import annotations

from math import ceil

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")

_Row = tuple[tuple[int, int], ...]

_ROWS: dict[tuple[str, str], _Row] = {
    ("480p", "2.5"): ((854, 480), (752, 560), (640, 640), (560, 752), (480, 854), (992, 432)),
    ("480p", "2.0"): ((864, 496), (752, 560), (640, 640), (560, 752), (496, 864), (992, 432)),
    ("480p", "1.0"): ((864, 480), (736, 544), (640, 640), (544, 736), (480, 864), (960, 416)),
    ("720p", "2.5"): ((1280, 720), (1112, 834), (960, 960), (834, 1112), (720, 1280), (1470, 630)),
    ("720p", "1.0"): ((1248, 704), (1120, 832), (960, 960), (832, 1120), (704, 1248), (1504, 640)),
    ("1080p", "2.5"): ((1920, 1080), (1664, 1248), (1440, 1440), (1248, 1664), (1080, 1920), (2206, 946)),
    ("1080p", "1.0"): ((1920, 1088), (1664, 1248), (1440, 1440), (1248, 1664), (1088, 1920), (2176, 928)),
    ("4k", "2.0"): ((3840, 2160), (3326, 2494), (2880, 2880), (2494, 3326), (2160, 3840), (4398, 1886)),
}
_ROWS["720p", "2.0"] = _ROWS["720p", "2.5"]
_ROWS["1080p", "2.0"] = _ROWS["1080p", "2.5"]

FRAMES_PER_SECOND = 24


def size_of(resolution: str, ratio: str, family: str) -> tuple[int, int]:
    """Width and height of a listed resolution and ratio in the family `2.5`, `2.0` (also 1.5) or `1.0`.

    Raises:
        KeyError: The family does not have the resolution.
        ValueError: The ratio is not one of `RATIOS`.
    """
    return _ROWS[resolution, family][RATIOS.index(ratio)]


def nearest_ratio(width: int, height: int) -> str:
    """The listed ratio nearest to a picture's, as `adaptive` picks it."""
    wanted = width / height

    def distance(ratio: str) -> float:
        across, down = ratio.split(":")
        return abs(int(across) / int(down) - wanted)

    return min(RATIOS, key=distance)


def tokens_of(width: int, height: int, frames_in: float, frames_out: int, *, extra_frame: bool = True) -> int:
    """`floor(w * h * (24 * (seconds in + seconds out) + 1) / 1024)`, in frames.

    Args:
        width: Output pixels across.
        height: Output pixels down.
        frames_in: Frames of reference video.
        frames_out: Frames of output.
        extra_frame: The one frame on top that every published sample shows (unconfirmed for 1.0).
    """
    return int(width * height * (frames_in + frames_out + int(extra_frame)) / 1024)


def least_seconds(resolution: str, seconds: int) -> float:
    """Input and output seconds together that a task with reference video is billed at least.

    That there is a minimum is documented, its table is not: this follows from a reseller's price list
    (docs.jiekou.ai); for 4k nothing is known.

    Args:
        resolution: Of the output.
        seconds: Of the output.
    """
    if resolution == "1080p":
        return 1.8 * seconds
    return float(ceil(seconds * 5 / 3)) if resolution in ("480p", "720p") else 0.0
