"""What a command raises, as a message on standard error and an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from seedance_async._wire.plain import spelt_out
from seedance_async.cli.exits import INTERRUPTED, TERMINATED, UNEXPECTED, UNREAD, code_of
from seedance_async.cli.secrets import masked
from seedance_async.cli.wrapping import fitted
from seedance_async.errors import InvalidRequest, MissingApiKey, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Terminated", "advice_of", "explain", "report", "said", "tell"]

_NO_KEY: Final = (
    "Set SEEDANCE_API_KEY (or ARK_API_KEY), or put api_key into a profile. Without a key: seedance demo."
)


class Terminated(BaseException):
    """The process was asked to end (SIGTERM); everything was put in order."""


def tell(text: str) -> None:
    """Tell the person something, on standard error; on a terminal its lines break between words.

    Words of others in it cannot command the terminal: control characters but line ends are spelt out.
    """
    sys.stderr.write(f"{fitted(spelt_out(masked(text), lines=True), sys.stderr)}\n")
    sys.stderr.flush()


def report(command: Callable[[], int], *, debug: bool) -> int:
    """Call a command and turn what it raises into a message and an exit code."""
    try:
        return command()
    except SeedanceError as error:
        explain(error, debug=debug)
        return code_of(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated:
        return TERMINATED
    except BrokenPipeError:
        # The reader of our output has left (head, a pager); Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except Exception as error:  # noqa: BLE001 - the last place that can still explain it
        explain(error, debug=debug)
        if not debug:
            tell("This is a bug of seedance-async. The option --debug shows where it happened.")
        return UNEXPECTED


def advice_of(error: BaseException) -> str:
    """Say what to do next, in the words of the command line where the library's are about Python."""
    if isinstance(error, MissingApiKey):
        return _NO_KEY
    if not isinstance(error, SeedanceError):
        return ""
    if error.advice and "await " not in error.advice:
        return error.advice
    # Asked for late: the gallery's advice by the server's code comes with all that reads journals.
    from seedance_async.media.gallery.advice import advice_for

    advice = advice_for(
        status="", code=str(getattr(error, "code", "") or ""), error_type=type(error).__name__
    )
    return "" if "await " in advice else advice


def said(error: SeedanceError) -> str:
    """Give an error's words: one line, whatever a server said; what is wrong with a file may take several."""
    words = error.message or str(error)
    return words if isinstance(error, InvalidRequest) else spelt_out(words)


def explain(error: Exception, *, debug: bool = False) -> None:
    """Say what went wrong and what to do next."""
    if debug:
        import traceback

        tell("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, SeedanceError):
        tell(f"Error: {said(error)}")
        if advice := advice_of(error):
            tell(f"  {advice}")
    else:
        tell(f"Error: {type(error).__name__}: {error}")
