"""Profiles: the settings of one account or project, as a table of a TOML file.

An option on the command line beats the environment, which beats the profile. The file is given by
``--config``, else it is ``config.toml`` in the folder where programs of this system keep their settings.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click

from seedance_async.cli.reporting import tell
from seedance_async.cli.secrets import keep_secret
from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT", "config_file", "key_of_profile", "take_profile"]

DEFAULT: Final = "default"
"""The profile that is used when none is named, if the file has it."""

_KEY: Final = "seedance_async.api_key"
_OTHERS_MAY_READ: Final = 0o044


def config_file(given: str | None) -> Path:
    """Give the path of the file, whether it is there or not."""
    return Path(given) if given else Path(click.get_app_dir("seedance")) / "config.toml"


def take_profile(context: click.Context, *, config: str | None, profile: str | None) -> None:
    """Make the settings of a profile the defaults of a command.

    Raises:
        InvalidRequest: the file or the profile that was named is not there, or holds what no command knows.
    """
    file = config_file(config)
    if not file.is_file() and config is None and profile is None:
        return
    settings = _profile(file, profile)
    key = settings.pop("api_key", None)
    if key is not None:
        _keep_key(context, str(key), file)
    _refuse_unknown(settings, profile or DEFAULT)
    context.default_map = {**settings, **(context.default_map or {})}


def _profile(file: Path, name: str | None) -> dict[str, Any]:
    """Read one profile."""
    import tomllib

    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(
            field="--config", value=str(file), limit=f"cannot be read: {error.strerror}"
        ) from None
    except ValueError as error:
        raise InvalidRequest(field="--config", value=str(file), limit=f"is not TOML: {error}") from None
    _refuse_stray(tables, file)
    found: object = tables.get(name or DEFAULT, None if name else {})
    if not isinstance(found, dict):
        known = ", ".join(sorted(tables)) or "none"
        raise InvalidRequest(field="--profile", value=name, limit=f"{file} has these profiles: {known}")
    return {str(word).replace("-", "_"): value for word, value in cast("Mapping[str, Any]", found).items()}


def _refuse_stray(tables: Mapping[str, Any], file: Path) -> None:
    """Refuse what stands in no table: no profile has it, so it would be a setting that does nothing."""
    stray = [name for name, value in tables.items() if not isinstance(value, dict)]
    if stray:
        # Without the value: it may be a key.
        limit = f"{stray[0]} stands in no table, so no profile has it: put it below [{DEFAULT}]"
        raise InvalidRequest(f"{file} is not valid", field="setting", limit=limit)


def _keep_key(context: click.Context, key: str, file: Path) -> None:
    """Keep the key of a profile where only the session finds it."""
    keep_secret(key)
    context.meta[_KEY] = key
    if os.name == "posix" and file.stat().st_mode & _OTHERS_MAY_READ:
        tell(f"Others on this machine can read the key in {file}. Mend it with: chmod 600 {file}")


def key_of_profile() -> str | None:
    """Give the key of the profile, unless SEEDANCE_API_KEY says another one."""
    context = click.get_current_context(silent=True)
    if context is None or os.environ.get("SEEDANCE_API_KEY"):
        return None
    key: str | None = context.meta.get(_KEY)
    return key


def _refuse_unknown(settings: Mapping[str, Any], profile: str) -> None:
    """Refuse what no command knows: a typing error must not pass as a setting that does nothing."""
    from seedance_async.cli.app import COMMANDS, seedance

    context = click.Context(seedance)
    commands = [seedance.get_command(context, name) for name in COMMANDS]
    known = {str(param.name) for command in commands if command for param in command.params}
    for name in settings:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            limit = f"is no setting of any command{hint} (profile {profile})"
            raise InvalidRequest(field="setting", value=name, limit=limit)
