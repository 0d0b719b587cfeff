"""The fields of a request as options, shared by all commands that make requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from seedance_async.cli.commands import setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["fields_of", "names_a_file", "request_options"]

_ENDINGS: Final = frozenset({".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"})
_RATIOS: Final = "16:9, 4:3, 1:1, 3:4, 9:16, 21:9 or adaptive."


def _json(_context: click.Context, _option: click.Parameter, value: str | None) -> dict[str, Any] | None:
    """Read a JSON object."""
    if value is None:
        return None
    try:
        found = json.loads(value)
    except ValueError as error:
        raise click.BadParameter(f"must be a JSON object: {error}") from None
    if not isinstance(found, dict):
        raise click.BadParameter("must be a JSON object, as in '{\"new_field\": 1}'")
    return cast("dict[str, Any]", found)


_OPTIONS: Final = (
    setting("-m", "--model", help="Model id or endpoint id."),
    setting("--image", metavar="FILE|URL", help="The first frame."),
    setting("--first-frame", metavar="FILE|URL", help="The first frame, beside a last one."),
    setting("--last-frame", metavar="FILE|URL", help="The last frame; needs a first one."),
    setting(
        "--reference-image", "reference_images", multiple=True, metavar="FILE|URL", help="May be repeated."
    ),
    setting("--reference-video", "reference_videos", multiple=True, metavar="URL", help="May be repeated."),
    setting(
        "--reference-audio", "reference_audios", multiple=True, metavar="FILE|URL", help="May be repeated."
    ),
    setting("--draft-task", metavar="ID", help="Finish this draft."),
    setting("-r", "--resolution", help="480p, 720p, 1080p or 4k."),
    setting("--ratio", help=_RATIOS),
    setting("-d", "--duration", type=int, metavar="SECONDS", help="Length; -1 lets the model choose."),
    setting("--frames", type=int, help="Number of frames instead of a length (1.0 only)."),
    setting("--seed", type=int, help="-1 for a random one."),
    setting("--audio/--no-audio", "generate_audio", default=None, help="With or without a sound track."),
    setting("--watermark/--no-watermark", default=None, help="A mark in the lower right corner."),
    setting("--camera-fixed/--no-camera-fixed", default=None, help="Ask for a fixed camera (1.x only)."),
    setting("--draft/--no-draft", default=None, help="Make a cheap preview."),
    setting("--return-last-frame/--no-return-last-frame", default=None, help="Also give the last frame."),
    setting("--service-tier", help="default, or flex: offline, at half the price (1.x only)."),
    setting("--priority", type=int, help="0 to 9, larger first (2.x only)."),
    setting(
        "--execution-expires-after", type=int, metavar="SECONDS", help="When an unfinished task expires."
    ),
    setting("--callback-url", help="Where the server posts each change."),
    setting("--safety-identifier", help="An opaque id of the end user."),
    setting("--output-format", help="mp4 or mov (2.5 only)."),
    setting("--omni-reference-task-type", help="auto, reference, edit or extend (2.5 only)."),
    setting("--extra-body", callback=_json, metavar="JSON", help="Further body fields, as a JSON object."),
)
_NAMES: Final = (
    "model", "image", "first_frame", "last_frame", "reference_images", "reference_videos",
    "reference_audios", "draft_task", "resolution", "ratio", "duration", "frames", "seed", "generate_audio",
    "watermark", "camera_fixed", "draft", "return_last_frame", "service_tier", "priority",
    "execution_expires_after", "callback_url", "safety_identifier", "output_format",
    "omni_reference_task_type", "extra_body",
)  # fmt: skip


def names_a_file(prompt: str | None) -> bool:
    """Whether what was given as a prompt is the name of a file of prompts, which may be mistyped."""
    # Only a short word can be one, and a long prompt is no valid name to ask the system about.
    if prompt is None or len(prompt) > 200 or Path(prompt).suffix.lower() not in _ENDINGS:  # noqa: PLR2004
        return False
    return len(prompt.split()) == 1 or Path(prompt).is_file()


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each field of a request; they arrive as keywords."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def fields_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Take the fields that were set out of a command's keywords."""
    return {name: options[name] for name in _NAMES if options.get(name) not in (None, ())}
