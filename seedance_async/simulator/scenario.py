"""A scenario is a whole setting as data: behaviour, quotas, faults and moderation under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from seedance_async.simulator.behaviour import Behaviour
from seedance_async.simulator.moderation import Moderation
from seedance_async.simulator.quotas import Quotas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seedance_async.simulator.faults import Fault


def _all(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(faults)


@frozen(kw_only=True)
class Scenario:
    """What a simulator plays.

    Args:
        name: Short name.
        about: One line for a reader.
        behaviour: Switches.
        quotas: Limits of the account.
        faults: Faults armed at the start.
        moderation: Words in prompts.
    """

    name: str = "plain"
    about: str = ""
    behaviour: Behaviour = field(factory=Behaviour)
    quotas: Quotas = field(factory=Quotas.off)
    faults: tuple[Fault, ...] = field(default=(), converter=_all)
    moderation: Moderation = field(factory=Moderation)
