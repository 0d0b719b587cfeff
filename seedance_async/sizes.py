"""How large a picture is and how many tokens a video takes: facts, kept as data (api docs 1544106)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from seedance_async.catalog import ModelSpec

__all__ = ["FPS", "RATIOS", "pixels", "tokens"]

FPS: Final = 24
"""Frames per second of every video (api docs 1520757)."""

RATIOS: Final = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
"""The fixed ratios, in the order of the pixel table; ``adaptive`` is one more word."""

# Width and height for the ratios in the order of RATIOS (api docs 1544106).
_PIXELS_20: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "480p": ((864, 496), (752, 560), (640, 640), (560, 752), (496, 864), (992, 432)),
    "720p": ((1280, 720), (1112, 834), (960, 960), (834, 1112), (720, 1280), (1470, 630)),
    "1080p": ((1920, 1080), (1664, 1248), (1440, 1440), (1248, 1664), (1080, 1920), (2206, 946)),
    "4k": ((3840, 2160), (3326, 2494), (2880, 2880), (2494, 3326), (2160, 3840), (4398, 1886)),
}
_PIXELS: Final[dict[str, dict[str, tuple[tuple[int, int], ...]]]] = {
    "2.5": {
        "480p": ((854, 480), (752, 560), (640, 640), (560, 752), (480, 854), (992, 432)),
        "720p": _PIXELS_20["720p"],
        "1080p": _PIXELS_20["1080p"],
    },
    "2.0": _PIXELS_20,
    "1.0": {
        "480p": ((864, 480), (736, 544), (640, 640), (544, 736), (480, 864), (960, 416)),
        "720p": ((1248, 704), (1120, 832), (960, 960), (832, 1120), (704, 1248), (1504, 640)),
        "1080p": ((1920, 1088), (1664, 1248), (1440, 1440), (1248, 1664), (1088, 1920), (2176, 928)),
    },
}


def pixels(model: ModelSpec | str, resolution: str, ratio: str) -> tuple[int, int]:
    """Give the size of the picture in pixels (api docs 1544106).

    Args:
        model: a spec, or a pixel family: ``2.5``, ``2.0`` (also 1.5) or ``1.0``.
        resolution: ``480p``, ``720p``, ``1080p`` or ``4k``, in any case.
        ratio: one of RATIOS, or ``adaptive`` for the largest size that it may become.

    Returns:
        Width and height.

    Raises:
        InvalidRequest: the table has no such family, resolution or ratio.
    """
    family = model if isinstance(model, str) else model.pixel_family
    if family not in _PIXELS:
        raise InvalidRequest(field="model", value=family, limit=f"must be one of {', '.join(_PIXELS)}")
    rows = _PIXELS[family]
    row = rows.get(resolution.lower())
    if row is None:
        raise InvalidRequest(field="resolution", value=resolution, limit=f"must be one of {', '.join(rows)}")
    if ratio == "adaptive":
        return max(row, key=lambda size: size[0] * size[1])
    if ratio not in RATIOS:
        limit = f"must be one of {', '.join(RATIOS)} or adaptive"
        raise InvalidRequest(field="ratio", value=ratio, limit=limit)
    return row[RATIOS.index(ratio)]


def tokens(width: int, height: int, seconds_out: float, seconds_in: float = 0) -> int:
    """Count the tokens that a video bills.

    ``floor(width * height * (24 * (in + out) + 1) / 1024)``: the documents (1544106) leave out the one extra
    frame, every published bill has it.

    Args:
        width: pixels of the output.
        height: pixels of the output.
        seconds_out: length of the video in seconds.
        seconds_in: length of all reference videos together in seconds.

    Returns:
        The number of tokens.
    """
    return int(width * height * (FPS * (seconds_in + seconds_out) + 1) // 1024)
