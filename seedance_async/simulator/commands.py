"""Legacy text commands such as `--rs 720p` at the end of a prompt (api docs 1520757; 1.0 and 1.5)."""

from __future__ import annotations

import re

_NAMES = {
    "resolution": "resolution",
    "rs": "resolution",
    "ratio": "ratio",
    "rt": "ratio",
    "duration": "duration",
    "dur": "duration",
    "frames": "frames",
    "framepersecond": "framespersecond",
    "fps": "framespersecond",
    "seed": "seed",
    "camerafixed": "camera_fixed",
    "cf": "camera_fixed",
    "watermark": "watermark",
    "wm": "watermark",
}
_COMMAND = re.compile(
    r"\s*--(" + "|".join(sorted(_NAMES, key=len, reverse=True)) + r")\s+(\S+)", re.IGNORECASE
)
_NUMBERS = frozenset({"duration", "frames", "framespersecond", "seed"})
_FLAGS = frozenset({"camera_fixed", "watermark"})


def split_commands(text: str) -> tuple[str, dict[str, object]]:
    """The prompt without its commands, and the commands as body fields.

    A value that cannot be read is dropped, so that the default holds, as the server does for most models.
    """
    if "--" not in text:
        return text, {}
    found: dict[str, object] = {}
    for name, raw in _COMMAND.findall(text):
        field = _NAMES[name.lower()]
        value = _value(field, raw)
        if value is not None and field != "framespersecond":
            found[field] = value
    return _COMMAND.sub("", text).strip(), found


def _value(field: str, raw: str) -> object:
    """A command's value, or None when it cannot be read."""
    if field in _NUMBERS:
        return int(raw) if re.fullmatch(r"-?\d{1,10}", raw) else None
    if field in _FLAGS:
        return {"true": True, "false": False}.get(raw.lower())
    return raw
