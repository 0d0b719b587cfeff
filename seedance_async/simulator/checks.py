"""Validators whose message names the field, the value and the limit."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrs import Attribute

Check = Callable[[Any, "Attribute[Any]", Any], None]


def within(least: float, most: float | None = None) -> Check:
    """A number from `least` to `most`, or None."""

    def check(_owner: Any, attribute: Attribute[Any], value: Any) -> None:
        limits = f"at least {least}" if most is None else f"within {least} and {most}"
        # Asked this way round, because whatever is asked of NaN, the answer is no.
        if value is not None and not (value >= least and (most is None or value <= most)):
            raise ValueError(f"{attribute.name} must be {limits}, got {value!r}")

    return check


def one_of(known: Collection[str]) -> Check:
    """One of the known words."""

    def check(_owner: Any, attribute: Attribute[Any], value: Any) -> None:
        if value not in known:
            raise ValueError(f"{attribute.name} must be one of {', '.join(known)}, got {value!r}")

    return check


def known_values(known: Collection[str]) -> Check:
    """A mapping whose values are known words."""

    def check(_owner: Any, attribute: Attribute[Any], value: Any) -> None:
        for name, word in value.items():
            if word not in known:
                raise ValueError(
                    f"{attribute.name}[{name!r}] must be one of {', '.join(known)}, got {word!r}"
                )

    return check
