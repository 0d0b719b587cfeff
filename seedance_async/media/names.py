"""File names made from templates: safe on every system, and different for different inputs.

Windows' rules are used everywhere, because a folder of videos travels (Microsoft, "Naming Files, Paths, and
Namespaces").  A value that had to be changed, or that another file system would take for its neighbour
(``Cat`` and ``cat``), carries a hash of the original: two keys never meet in one file, on any run, and no
list of used names has to be kept for that.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from string import Formatter
from typing import Final

from seedance_async.errors import InvalidRequest

__all__ = ["MAX_BYTES", "fields_of", "file_name", "suffix_for"]

MAX_BYTES: Final = 180
"""Longest name in UTF-8 bytes: file systems stop at 255, and ``.part.json`` and its like come behind."""

_HASH_DIGITS: Final = 12
_FIELDS: Final = ("task_id", "key", "index")
_WIDTH = re.compile(r"(0?[1-9][0-9]?)?d?")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_HASHED = re.compile(rf"-[0-9a-f]{{{_HASH_DIGITS}}}$")
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\.|$)", re.IGNORECASE
)


def file_name(template: str, *, task_id: str, key: str, index: int, suffix: str) -> str:
    """Make the name of one file; a pure function, so every run gives the same name.

    Args:
        template: text with ``{task_id}``, ``{key}`` and ``{index}``; ``{index:05d}`` pads with zeros.
        task_id: the server's id.
        key: the caller's key of the job.
        index: place of the job in its batch.
        suffix: ``.mp4``, ``.mov``, ``.png``...; not added twice when the template ends with it.

    Returns:
        A name without folders, of at most 180 bytes of UTF-8.

    Raises:
        InvalidRequest: the template or the suffix is not of this form.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise InvalidRequest(
            field="suffix", value=suffix, limit="must be a dot and 1 to 10 letters or digits"
        )
    values: dict[str, str | int] = {"task_id": _clean(task_id), "key": _clean(key), "index": index}
    # Off the template, never off a value: of the keys "cat" and "cat.mp4" both would become cat.mp4.
    given = template[: -len(suffix)] if template.lower().endswith(suffix.lower()) else template
    stem = "".join(_pieces(given, values))
    if not stem:
        raise InvalidRequest(field="template", value=template, limit="must leave a name that is not empty")
    return _fit(_unreserved(stem), MAX_BYTES - len(suffix)) + suffix


def fields_of(template: str) -> frozenset[str]:
    """Give the fields that a template names.

    Raises:
        InvalidRequest: the template is not well formed.
    """
    return frozenset(name for _, name, _, _ in _parsed(template) if name is not None)


def suffix_for(output_format: str | None) -> str:
    """Give the ending of a video's name; a format that is no ending (``video/mp4``) keeps no video out."""
    suffix = f".{output_format}"
    return suffix if output_format and _SUFFIX.fullmatch(suffix) else ".mp4"


def _pieces(template: str, values: dict[str, str | int]) -> list[str]:
    """Fill in the template piece by piece; str.format would also reach attributes of the values."""
    pieces: list[str] = []
    for literal, name, spec, conversion in _parsed(template):
        if _spoiled(literal) != literal:
            limit = "must be plain text without folders, control characters or any of <>:/|?* and the like"
            raise InvalidRequest(field="template", value=template, limit=limit)
        pieces.append(literal)
        if name is not None:
            pieces.append(_filled(template, name, spec or "", conversion, values))
    return pieces


def _parsed(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    """Parse the template, with a clear error for a lonely brace."""
    try:
        return list(Formatter().parse(template))
    except ValueError as error:
        raise InvalidRequest(
            field="template", value=template, limit=f"must be well formed ({error})"
        ) from None


def _filled(template: str, name: str, spec: str, conversion: str | None, values: dict[str, str | int]) -> str:
    """Give the text of one field; only the index may be padded, by at most 99 places."""
    if name not in _FIELDS or conversion:
        limit = "may hold {task_id}, {key} and {index} only"
        raise InvalidRequest(field="template", value=template, limit=limit)
    value = values[name]
    if spec and not (isinstance(value, int) and _WIDTH.fullmatch(spec)):
        raise InvalidRequest(
            field="template", value=template, limit="may pad {index} only, as in {index:05d}"
        )
    return format(value, spec)


def _spoiled(text: str) -> str:
    """Replace what no file system likes: separators, wildcards, control and invisible characters."""
    visible = "".join("_" if unicodedata.category(sign).startswith("C") else sign for sign in text)
    return _FORBIDDEN.sub("_", visible)


def _clean(value: str) -> str:
    """Make one value safe, and mark it with a hash when it no longer says all that the original said."""
    clean = _spoiled(unicodedata.normalize("NFC", value)).strip(" .") or "_"
    if clean.startswith("-"):
        clean = f"_{clean[1:]}"  # a name that starts with a dash is taken for an option by many programs
    long = len(clean.encode()) > MAX_BYTES // 2
    if clean == value and clean == _folded(clean) and not long and not _HASHED.search(clean):
        return clean
    return _cut(clean, MAX_BYTES // 2 - _HASH_DIGITS - 1) + "-" + _digest(value)


def _folded(text: str) -> str:
    """Fold case as the least careful file system would."""
    return text.casefold().upper().lower()


def _digest(text: str) -> str:
    """Give a short hash; surrogates are legal in Python strings and in names found on disk."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]


def _cut(text: str, limit: int) -> str:
    """Cut to a number of UTF-8 bytes without splitting a character."""
    return text.encode()[:limit].decode(errors="ignore").rstrip(" .") or "_"


def _fit(stem: str, limit: int) -> str:
    """Keep the whole name within its limit, the cut marked with a hash of the whole."""
    stem = stem.strip(" .") or "_"
    if len(stem.encode()) <= limit:
        return stem
    return _cut(stem, limit - _HASH_DIGITS - 1) + "-" + _digest(stem)


def _unreserved(stem: str) -> str:
    """Step aside from device names: on Windows ``nul.mp4`` is the null device.

    The hash tells it from the key ``_nul``, which has that name by right.
    """
    return f"_{stem}-{_digest(stem)}" if _RESERVED.match(stem) else stem
