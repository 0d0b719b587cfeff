"""Settings as plain data, and back: for the control door and for scenarios in files.

Every value is checked against the type of its field, so that a misspelt switch is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from types import NoneType, UnionType
from typing import Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from attrs import AttrsInstance, evolve, fields, frozen

from seedance_async.simulator.behaviour import AfterLooks, AfterSeconds, AtOnce, Behaviour, ByHand
from seedance_async.simulator.faults import Fault
from seedance_async.simulator.jsons import as_list, as_object
from seedance_async.simulator.moderation import Moderation
from seedance_async.simulator.quotas import Quotas
from seedance_async.simulator.scenario import Scenario

_PROGRESSIONS: dict[str, type[AttrsInstance]] = {
    "at_once": AtOnce,
    "after_seconds": AfterSeconds,
    "after_looks": AfterLooks,
    "by_hand": ByHand,
}
_KINDS: dict[type, str] = {kind: name for name, kind in _PROGRESSIONS.items()}
_SETTINGS: dict[str, type[AttrsInstance]] = {
    "behaviour": Behaviour,
    "quotas": Quotas,
    "moderation": Moderation,
}
_PRESETS: dict[str, Callable[[], Quotas]] = {
    "off": Quotas.off,
    "enterprise": Quotas.enterprise,
    "individual": Quotas.individual,
}
_ALWAYS = "always"
_Settings = TypeVar("_Settings", bound=AttrsInstance)
"""A frozen attrs class of settings."""


@frozen
class BadSetting(ValueError):
    """Data that is no setting; `str()` says which field, which value, and what was expected."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def to_data(value: object) -> object:
    """A setting as JSON or TOML data."""
    if isinstance(value, tuple(_KINDS)):
        return {"kind": _KINDS[type(value)], **_named(value)}
    if hasattr(type(value), "__attrs_attrs__"):
        return _named(value)
    if isinstance(value, Mapping):
        return {str(key): to_data(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, frozenset):
        return sorted(cast("frozenset[str]", value))
    if isinstance(value, (list, tuple)):
        return [to_data(item) for item in cast("Iterable[object]", value)]
    return value


def _named(value: object) -> dict[str, object]:
    """The fields of an attrs value."""
    kind = cast("type[AttrsInstance]", type(value))
    return {one.name: to_data(getattr(value, one.name)) for one in fields(kind)}


def scenario_from(data: Mapping[str, object]) -> Scenario:
    """A scenario from data with the keys of `Scenario`.

    A limit that `quotas` does not name is none, unless `quotas.preset` is `enterprise` or `individual`.

    Raises:
        BadSetting: An unknown field, or a value of the wrong type.
    """
    return build(Scenario, data)


def fault_from(data: Mapping[str, object]) -> Fault:
    """A fault from data with the keys of `Fault`.

    Raises:
        BadSetting: An unknown field, or a value of the wrong type.
    """
    return build(Fault, data)


def build(kind: type[_Settings], data: Mapping[str, object]) -> _Settings:
    """An attrs value from data.

    Raises:
        BadSetting: An unknown field, or a value of the wrong type.
    """
    arguments = _checked(kind, data)
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:
        raise BadSetting(f"{kind.__name__}: {error}") from error


def changed(settings: _Settings, data: Mapping[str, object]) -> _Settings:
    """The same settings with some fields changed.

    Raises:
        BadSetting: An unknown field, or a value of the wrong type.
    """
    arguments = _checked(type(settings), data)
    try:
        return evolve(settings, **arguments)  # type: ignore[misc]  # mypy wants a concrete attrs class
    except (TypeError, ValueError) as error:
        raise BadSetting(f"{type(settings).__name__}: {error}") from error


def _checked(kind: type[AttrsInstance], data: Mapping[str, object]) -> dict[str, object]:
    """The data as keyword arguments."""
    hints = get_type_hints(kind, localns={"Mapping": Mapping, "Fault": Fault})
    names = [one.name for one in fields(kind)]
    checked: dict[str, object] = {}
    for name, value in data.items():
        if name not in names:
            raise BadSetting(f"unknown field {name!r} of {kind.__name__}; known: {', '.join(names)}")
        checked[name] = _read(f"{kind.__name__}.{name}", value, hints[name])
    return checked


def _read(name: str, value: object, hint: object) -> object:
    """One value, checked against the type of its field."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(name, value)
    members = _members(hint)
    nested = as_object(value)
    if nested is not None and AtOnce in members:
        return _progression(name, nested)
    if nested is not None and isinstance(hint, type) and hint in _SETTINGS.values():
        return build(cast("type[AttrsInstance]", hint), nested)
    return _plain(name, value, members)


def _plain(name: str, value: object, members: tuple[object, ...]) -> object:
    """A value of one of the plain types."""
    for member in members:
        fitting, read = _fits(value, member)
        if fitting:
            return read
    expected = " or ".join(_shown(member) for member in members)
    raise BadSetting(f"{name}: expected {expected}, got {value!r}")


def _faults(name: str, value: object) -> tuple[Fault, ...]:
    """The faults of a scenario; a mistake says in which of them it is, counted from 1."""
    items = as_list(value)
    if items is None:
        raise BadSetting(f"{name}: expected a list of objects, got {value!r}")
    found: list[Fault] = []
    for number, item in enumerate(items, start=1):
        here = f"{name}, number {number}"
        data = _object(here, item)
        try:
            found.append(fault_from(data))
        except BadSetting as error:
            raise BadSetting(f"{here}: {error}") from error
    return tuple(found)


def _quotas(name: str, value: object) -> Quotas:
    """The limits of a scenario, on top of a preset; a file cannot say null."""
    rest = _object(name, value)
    preset = rest.pop("preset", "off")
    if not isinstance(preset, str) or preset not in _PRESETS:
        raise BadSetting(f"{name}.preset: expected one of {', '.join(_PRESETS)}, got {preset!r}")
    return changed(_PRESETS[preset](), rest)


def _times(name: str, value: object) -> object:
    """How often a fault fires; a file cannot say null, but the word."""
    return None if value == _ALWAYS else _plain(name, value, (int, NoneType))


def _switches(name: str, value: object) -> dict[str, object]:
    """The switches of a fault."""
    return _checked(Behaviour, _object(name, value))


_SPECIAL: dict[str, Callable[[str, object], object]] = {
    "Scenario.faults": _faults,
    "Scenario.quotas": _quotas,
    "Fault.times": _times,
    "Fault.switches": _switches,
}


def _object(name: str, value: object) -> dict[str, object]:
    """A copy of an object."""
    found = as_object(value)
    if found is None:
        raise BadSetting(f"{name}: expected an object, got {value!r}")
    return dict(found)


def _members(hint: object) -> tuple[object, ...]:
    """The alternatives of a type."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _shown(member: object) -> str:
    if get_origin(member) is Literal:
        return " or ".join(repr(one) for one in get_args(member))
    if member is float:
        return "a finite number"
    return "null" if member is NoneType else getattr(member, "__name__", str(member))


def _fits(value: object, member: object) -> tuple[bool, object]:
    """Whether a value is of one plain type, and the value as that type."""
    origin = get_origin(member)
    items = as_list(value)
    if origin is Literal:
        return value in get_args(member), value
    if origin in (tuple, frozenset) and items is not None:
        wanted = get_args(member)[0]
        read: object = tuple(items) if origin is tuple else frozenset(items)
        return all(type(item) is wanted for item in items), read
    if origin is not None and isinstance(value, dict):
        texts = all(isinstance(item, str) for item in cast("dict[object, object]", value).values())
        return texts, cast("object", value)
    if member is float and type(value) in (int, float):
        number = float(cast("int | float", value))
        return isfinite(number), number
    return (value is None) if member is NoneType else type(value) is member, value


def _progression(name: str, data: dict[str, object]) -> object:
    """A progression from `{"kind": "after_looks", ...}`."""
    rest = dict(data)
    kind = rest.pop("kind", None)
    if kind not in _PROGRESSIONS:
        raise BadSetting(f"{name}.kind: expected one of {', '.join(_PROGRESSIONS)}, got {kind!r}")
    return build(_PROGRESSIONS[str(kind)], rest)
