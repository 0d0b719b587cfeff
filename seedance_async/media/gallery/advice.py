"""Why a prompt ended without a video, in words that fit on a card, and what to do next."""

from __future__ import annotations

import re
from typing import Final

from seedance_async import errors
from seedance_async.media.gallery.items import Problem
from seedance_async.media.gallery.words import without_signatures

__all__ = ["advice_for", "problem_of"]

_BY_CODE: Final = (
    ("InputTextSensitive", "Change the prompt: the same words will be refused again."),
    ("Input", "Change the input that was refused: the same one will be refused again."),
    ("Output", "Nothing was billed. Another seed may pass, a changed prompt more likely."),
    ("SensitiveContent", "Change the prompt or the media: the same input will be refused again."),
    ("InvalidParameter", "Change the setting that the message names."),
    ("MissingParameter", "Add the field that the message names."),
    ("InternalServiceError", "The server's own fault, nothing was billed: submit it again."),
    ("InvalidEndpointOrModel", "Check the name of the model or endpoint, and that the account may use it."),
    ("ModelNotOpen", "Open the model for the account in the console."),
    ("AuthenticationError", "Check the key, its region and its project."),
    ("AccountOverdue", "Top up the account, then run again."),
    ("SetLimitExceeded", "Raise the spend limit in the console."),
    ("QuotaExceeded", "Wait until there is room, or raise the quota."),
)
"""Beginning of an error code (api docs 1299023) -> advice; the first that fits counts."""

_BY_STATUS: Final = {
    "uncertain": "A task may exist and bill: do not submit again, reconcile (run the batch again).",
    "sending": "A task may exist and bill: do not submit again, run the batch again and it is looked for.",
    "accepted": "The server has the task: run the batch again to wait for it and to fetch the video.",
    "expired": "It waited too long at the server and was not billed: submit it again.",
    "cancelled": "It was not billed: submit it again if it is still wanted.",
    "skipped": "Run the batch again to go on with it.",
    "planned": "Nothing was sent yet: run the batch to submit it.",
    "succeeded": "It is paid for, and its video is not here: fetch it within 24 hours of its end.",
}


def advice_for(*, status: str, code: str = "", error_type: str = "") -> str:
    """Say what to do next; "" where there is nothing to say.

    Args:
        status: how the prompt ended.
        code: the server's error code, or "".
        error_type: class of the library's error, or "".
    """
    for beginning, advice in _BY_CODE:
        if code.startswith(beginning):
            return advice
    family: object = getattr(errors, error_type, None)
    if isinstance(family, type) and issubclass(family, errors.SeedanceError) and family.advice:
        return family.advice
    return _BY_STATUS.get(status, "")


_REQUEST_ID: Final = re.compile(r"\s*\(?request id:?\s*([0-9A-Za-z-]{8,})\)?\.?", re.IGNORECASE)
_HEAD: Final = re.compile(r"^(?:Task \S+ failed|HTTP \d+)(?::| (?=[A-Z]))\s*")


def problem_of(*, status: str, message: str, code: str = "", error_type: str = "") -> Problem:
    """Put a message apart: what happened, what to do, and the request id, each said once.

    Args:
        status: how the prompt ended.
        message: the error as a text.
        code: the server's error code, or "".
        error_type: class of the library's error, or "".
    """
    advice = advice_for(status=status, code=code, error_type=error_type)
    family: object = getattr(errors, error_type, None)
    said = getattr(family, "advice", "")
    text = without_signatures(message)
    found = _REQUEST_ID.search(text)
    text = _HEAD.sub("", _REQUEST_ID.sub("", text))
    for known in (said, advice):
        text = text.replace(known, "") if known else text
    text = text.strip().removeprefix(code).lstrip(": ") if code else text
    return Problem(
        code=code or error_type,
        message=" ".join(text.split()),
        advice=advice,
        request_id=found.group(1) if found else "",
    )
