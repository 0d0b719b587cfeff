"""A scenario as TOML text: only what differs from the defaults, so that a reader sees what it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from seedance_async.simulator.behaviour import MOUNTS
from seedance_async.simulator.data import to_data
from seedance_async.simulator.faults import Fault
from seedance_async.simulator.jsons import as_object
from seedance_async.simulator.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

Table = Mapping[str, object]


def dump_scenario(scenario: Scenario) -> str:
    """The text of a file that `load_scenario` reads as the same scenario.

    Raises:
        ValueError: A switched fault sets a switch to None, which TOML cannot say.
    """
    data, usual = _table(scenario), _table(Scenario())
    lines = [f"{key} = {_value(data[key])}" for key in ("name", "about")]
    for key in ("behaviour", "quotas", "moderation"):
        changed = _changed(_as_table(data[key]), _as_table(usual[key]))
        if key == "behaviour" and "mounts" in changed:
            changed["mounts"] = _changed(_as_table(changed["mounts"]), MOUNTS)
        if changed:
            lines += ["", f"[{key}]", *_pairs(changed)]
    for fault in scenario.faults:
        lines += ["", "[[faults]]", *_pairs(_fault(fault))]
    return "\n".join(lines) + "\n"


def _fault(fault: Fault) -> dict[str, object]:
    """What a fault says beyond its kind."""
    like = Fault(fault.kind, route=fault.route, switches=fault.switches)
    data = {"kind": fault.kind, "route": fault.route, **_changed(_table(fault), _table(like))}
    if fault.times is None:
        data["times"] = "always"
    if fault.switches:
        data["switches"] = to_data(fault.switches)
    return data


def _table(value: object) -> Table:
    return _as_table(to_data(value))


def _as_table(value: object) -> Table:
    return as_object(value) or {}


def _changed(data: Table, usual: Table) -> dict[str, object]:
    """The fields that differ."""
    return {key: value for key, value in data.items() if key not in usual or usual[key] != value}


def _pairs(data: Table) -> Iterable[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in data.items()]


def _value(value: object) -> str:
    """A value in TOML."""
    if value is None:
        raise ValueError("a TOML file cannot say None; leave the switch out")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(cast("Table", value))) + " }" if value else "{}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(item) for item in cast("Sequence[object]", value)) + "]"
    return repr(value)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").isalnum()
    return key if plain else _text(key)


def _text(text: str) -> str:
    """A basic string; TOML forbids a bare DEL, which JSON allows."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
