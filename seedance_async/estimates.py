"""How many tokens a request may bill at most, so that a budget can reserve them (api docs 1544106).

The authoritative figure is ``usage.completion_tokens`` of the finished task; only succeeded tasks are billed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from seedance_async.asked import as_request
from seedance_async.catalog import (
    AUTO_DURATION,
    DRAFT_RESOLUTION,
    FPS,
    RATIOS,
    SPECS,
    ModelSpec,
    pixels,
    spec_for,
    tokens,
)
from seedance_async.scenes import Scene, scene_of

if TYPE_CHECKING:
    from seedance_async.asked import Asked
    from seedance_async.request import VideoRequest

__all__ = ["Estimate", "billed_resolution", "estimate"]

_UNKNOWN: Final = Scene(plain=1, videos=1)  # raw content that cannot be told may hold anything
_COMMANDS: Final = ("--rs ", "--resolution ", "--rt ", "--ratio ", "--dur ", "--duration ", "--frames ")
_DRAFT_TENTHS: Final = {"1.5-pro": (7, 6)}  # tokens of a draft, silent and with audio (api docs 1544106)
_LEAST_INPUT: Final = 0.8  # seconds of input per second of output that are billed at least (unconfirmed)


@frozen(kw_only=True)
class Estimate:
    """The most that a request should bill.

    Attributes:
        tokens: upper estimate of ``usage.completion_tokens``.
        seconds: length of the video that it counts with.
        width: pixels.
        height: pixels.
        assumed: what had to be guessed, always to the dear side: ``model``, ``resolution``, ``ratio``,
            ``duration``, ``input_seconds`` or ``text_commands``.
    """

    tokens: int
    seconds: float
    width: int
    height: int
    assumed: tuple[str, ...] = ()


def estimate(request: Asked, *, seconds_in: float | None = None) -> Estimate:
    """Estimate what a request bills at most.

    What the model will choose (``duration=-1``, an adaptive ratio) counts as the dearest that it can choose.
    Calls of the ``web_search`` tool are billed apart and not counted.

    Args:
        request: the request, a prompt, or a mapping of a request's fields.
        seconds_in: length of all reference videos together, if known; None counts the most that is allowed.

    Returns:
        The estimate; for an unknown model the dearest of all known ones.

    Raises:
        InvalidRequest: it is no request, or always wrong.
    """
    wanted = as_request(request)
    spec = spec_for(wanted.model)
    if spec is not None:
        return _estimate(wanted, spec, seconds_in)
    dearest = max((_estimate(wanted, known, seconds_in) for known in SPECS.values()), key=lambda e: e.tokens)
    return evolve(dearest, assumed=("model", *dearest.assumed))


def _estimate(request: VideoRequest, spec: ModelSpec, seconds_in: float | None) -> Estimate:
    """Estimate with the facts of one model."""
    scene = scene_of(request) or _UNKNOWN
    commanded = spec.text_commands and _has_commands(request)
    resolution, guessed_resolution = billed_resolution(request, spec, scene)
    ratio, guessed_ratio = ("adaptive", True) if commanded else _ratio(request, spec, scene)
    seconds, guessed_seconds = _seconds(request, spec, scene, commanded=commanded)
    filmed = bool(scene.videos or scene.draft) and spec.max_input_seconds > 0
    given = spec.max_input_seconds if seconds_in is None else seconds_in
    width, height = pixels(spec, resolution, ratio)
    count = tokens(width, height, seconds, max(given, _LEAST_INPUT * seconds) if filmed else 0)
    guesses = {
        "resolution": guessed_resolution,
        "ratio": guessed_ratio,
        "duration": guessed_seconds,
        "input_seconds": filmed and seconds_in is None,
        "text_commands": commanded,
    }
    assumed = tuple(name for name, guessed in guesses.items() if guessed)
    count = _draft_share(request, spec, count)
    return Estimate(tokens=count, seconds=seconds, width=width, height=height, assumed=assumed)


def _has_commands(request: VideoRequest) -> bool:
    """Tell whether a prompt carries text commands for size or length, which may override the body fields."""
    texts = [request.prompt] if request.content is None else [item.get("text") for item in request.content]
    return any(command in text for text in texts if isinstance(text, str) for command in _COMMANDS)


def _said(request: VideoRequest, name: str) -> object:
    """Give a field, also one that went through ``extra_body`` past the checks."""
    value: object = getattr(request, name)
    return value if value is not None else (request.extra_body or {}).get(name)


def billed_resolution(request: VideoRequest, spec: ModelSpec, scene: Scene) -> tuple[str, bool]:
    """Give the resolution that will be billed at most, and whether it is a guess."""
    word = str(_said(request, "resolution") or "").lower()
    if spec.text_commands and _has_commands(request):
        return spec.resolutions[-1], True
    if request.draft and spec.draft:
        return DRAFT_RESOLUTION, not word
    if scene.draft and spec.draft_resolutions:
        return spec.draft_resolutions[-1], False
    if word in spec.resolutions:
        return word, False
    return (spec.resolutions[-1], True) if word else (spec.default_resolution, False)


def _ratio(request: VideoRequest, spec: ModelSpec, scene: Scene) -> tuple[str, bool]:
    """Give the ratio that will be billed at most, and whether it is a guess; ``adaptive`` is the largest."""
    ratio = _said(request, "ratio")
    if ratio in RATIOS and not scene.draft:
        return str(ratio), False
    if ratio is None and not spec.adaptive_text and not scene.frames and not scene.draft:
        return "16:9", False
    return "adaptive", True


def _seconds(request: VideoRequest, spec: ModelSpec, scene: Scene, *, commanded: bool) -> tuple[float, bool]:
    """Give the length that will be billed at most, and whether it is a guess."""
    if commanded or scene.draft:
        return spec.max_duration, True
    frames, duration = _said(request, "frames"), _said(request, "duration")
    if isinstance(frames, int) and spec.frames:
        return frames / FPS, False
    wanted = spec.default_duration if duration is None else duration
    if isinstance(wanted, int | float) and wanted != AUTO_DURATION:
        return wanted, False
    return spec.max_duration, True


def _draft_share(request: VideoRequest, spec: ModelSpec, count: int) -> int:
    """Take the discount of a draft off, rounded up."""
    if not request.draft or spec.family not in _DRAFT_TENTHS:
        return count
    silent, audible = _DRAFT_TENTHS[spec.family]
    return -(-count * (silent if request.generate_audio is False else audible) // 10)
