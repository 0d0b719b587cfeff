"""Opening a session as the options say: for a real server, or for a simulated one that lives as long."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from seedance_async.cli.commands import setting
from seedance_async.cli.profiles import key_of_profile
from seedance_async.cli.reporting import tell

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from seedance_async.errors import InvalidRequest
    from seedance_async.events import Event
    from seedance_async.session import SeedanceSession

__all__ = ["address_of", "check_journal", "opened", "server_options", "simulate_options", "watched"]

_PRESETS: Final = ("kkiai", "ark", "byteplus")
_NO_KEY: Final = 12
_SIMULATED_KEY: Final = "simulated-key"
_SIMULATED_INTERVAL: Final = 0.5
_SIMULATE: Final = (
    setting(
        "--simulate", is_flag=True, help="Use a simulated server: no key, no cost, videos of coloured shapes."
    ),
    setting(
        "--work-seconds",
        type=float,
        default=2.0,
        show_default=True,
        help="With --simulate: seconds that a task runs.",
    ),
)


_SERVER: Final = (
    setting(
        "--base-url", metavar="URL", help="Address of the API, or kkiai, ark or byteplus. Default: kkiai."
    ),
    setting("--interval", type=float, metavar="SECONDS", help="Between two looks at a task. Default: 3."),
)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which server it talks to, and how often."""
    for option in reversed(_SERVER):
        command = option(command)
    return command


def simulate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that costs money the options to try it for nothing."""
    for option in reversed(_SIMULATE):
        command = option(command)
    return server_options(command)


def check_journal(options: Mapping[str, Any]) -> None:
    """Refuse the journal of another server to a simulated one, which lives as long as its command.

    Raises:
        InvalidRequest: it exists already.
    """
    from pathlib import Path

    from seedance_async.errors import InvalidRequest

    named = options["journal"]
    if options["simulate"] and named is not None and Path(named).exists():
        limit = (
            "is there already, and --simulate starts another server each time: name a new file, or keep one"
            " server for several commands with: seedance simulate"
        )
        raise InvalidRequest(field="--journal", value=named, limit=limit)


def address_of(given: str | None) -> str | None:
    """Give the address that a short name stands for.

    Raises:
        InvalidRequest: it is neither an address nor such a name.
    """
    from seedance_async import settings

    if given is None or "://" in given:
        return given
    if given.lower() not in _PRESETS:
        raise _no_address(given)
    return str(getattr(settings, given.upper()))


def _no_address(given: str) -> InvalidRequest:
    """Word the error; only a short word is shown, since a long one may be a key."""
    from seedance_async.errors import InvalidRequest

    what = f"--base-url={given!r}" if len(given) <= _NO_KEY else "--base-url"
    limit = f"must start with https:// or http://, or be one of {', '.join(_PRESETS)}; nothing was sent"
    return InvalidRequest(f"{what} is not valid", field="--base-url", limit=limit)


def watched(*lookers: Callable[[Event], None] | None) -> Callable[[Event], None]:
    """Make one observer that logs (for ``--debug``) and tells all who look; None is nobody."""
    from seedance_async.events import log_event

    there = [looker for looker in lookers if looker is not None]

    def observe(event: Event) -> None:
        log_event(event)
        for looker in there:
            looker(event)

    return observe


@asynccontextmanager
async def opened(
    options: Mapping[str, Any], *lookers: Callable[[Event], None] | None, **settings: Any
) -> AsyncGenerator[SeedanceSession]:
    """Open a session for the server that the options name; its events go to all who look."""
    from seedance_async.session import SeedanceSession
    from seedance_async.settings import PollPolicy
    from seedance_async.wiring import KEY_OF_ARK, is_key_of_ark

    observer = watched(*lookers)
    interval = options.get("interval")
    if interval is None and options.get("simulate"):
        interval = _SIMULATED_INTERVAL
    if interval is not None:
        settings["poll"] = PollPolicy(interval=interval)
    if not options.get("simulate"):
        url = address_of(options.get("base_url"))
        if is_key_of_ark(key_of_profile(), url):
            tell(KEY_OF_ARK)
        async with SeedanceSession(key_of_profile(), url, observer=observer, **settings) as session:
            yield session
        return
    from seedance_async.simulator import Simulator

    tell("Simulated: nothing leaves this machine, nothing is billed.")
    async with (
        Simulator(work_seconds=options.get("work_seconds", 2.0), render=True) as sim,
        SeedanceSession(_SIMULATED_KEY, sim.base_url, observer=observer, **settings) as session,
    ):
        yield session
