"""The tables of docs/reference/simulator.md, made from the code that they describe."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING

from attrs import fields

from seedance_async.simulator import AfterLooks, AfterSeconds, Behaviour, Fault, Moderation, Quotas, gallery
from seedance_async.simulator.data import to_data
from seedance_async.simulator.jsons import as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from attrs import AttrsInstance


def arguments(kind: type) -> dict[str, str]:
    """What the docstring of a class says about each argument, on one line."""
    section = inspect.cleandoc(kind.__doc__ or "").partition("Args:\n")[2].partition("\n\n")[0]
    entries = re.split(r"\n(?=    \w+: )", "\n" + section)
    pairs = [entry.strip().partition(": ") for entry in entries if entry.strip()]
    return {name: re.sub(r"\s+", " ", meaning) for name, _, meaning in pairs}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    heading = list(head)
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def settings(value: AttrsInstance, defaults: Mapping[str, object]) -> str:
    """Field, default and meaning of a class of settings."""
    told = arguments(type(value))
    rows = [(f"`{one.name}`", shown(defaults[one.name]), told[one.name]) for one in fields(type(value))]
    return table(("field", "default", "meaning"), rows)


def shown(value: object) -> str:
    """A default as data; nothing for none."""
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def defaults(value: AttrsInstance) -> Mapping[str, object]:
    """The fields of a value as data."""
    return as_object(to_data(value)) or {}


def tables() -> dict[str, str]:
    """Every generated table by its name on the page."""
    published = {**defaults(Quotas.off()), "published": False}
    fault = {**defaults(Fault("reset")), "kind": None}
    return {
        "after_seconds": settings(AfterSeconds(), defaults(AfterSeconds())),
        "after_looks": settings(AfterLooks(), defaults(AfterLooks())),
        "behaviour": settings(Behaviour(), defaults(Behaviour())),
        "quotas": settings(Quotas(), published),
        "moderation": settings(Moderation(), defaults(Moderation())),
        "faults": settings(Fault("reset"), fault),
        "scenarios": table(("name", "what it is"), [(f"`{one.name}`", one.about) for one in gallery()]),
    }
