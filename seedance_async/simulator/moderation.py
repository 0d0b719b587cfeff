"""Moderation by words in the prompt: refused at create, or accepted and failed later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from seedance_async.simulator.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAG = re.compile(r"\[(refuse|fail):([A-Za-z.]+)\]")

_SENSITIVE = re.compile(r"(Input|Output)(Text|Image|Video|Audio)SensitiveContentDetected")


def message_of(code: str) -> str:
    """The server's sentence for a code, or a plain one."""
    if code == "InternalServiceError":
        return "The service encountered an unexpected internal error."
    found = _SENSITIVE.match(code)
    if found is None:
        return f"The request failed: {code}."
    what = f"{found[1]} {found[2]}".lower()
    return f"The request failed because the {what} may contain sensitive information."


@frozen(kw_only=True)
class Moderation:
    """Which words in a prompt do what; matched without regard to case.

    Whatever the words, a prompt that holds `[refuse:CODE]` is refused with that code, and one that holds
    `[fail:CODE]` is accepted and fails with it.

    Args:
        refuse: Word to error code, checked at create (400).
        fail: Word to error code of the failed task.
    """

    refuse: Mapping[str, str] = field(factory=dict[str, str])
    fail: Mapping[str, str] = field(factory=dict[str, str])

    def check(self, prompt: str) -> None:
        """Moderate a prompt at create.

        Raises:
            Refusal: 400 with the code of the word that was found.
        """
        code = _found(prompt, self.refuse, "refuse")
        if code is not None:
            raise Refusal(status=400, code=code, message=message_of(code))

    def doom(self, prompt: str) -> tuple[str, str] | None:
        """Code and message with which the task will fail, or None."""
        code = _found(prompt, self.fail, "fail")
        return None if code is None else (code, message_of(code))


def _found(prompt: str, words: Mapping[str, str], tag: str) -> str | None:
    """The code of the first tag or word of a kind in the prompt."""
    for kind, code in _TAG.findall(prompt):
        if kind == tag:
            return str(code)
    folded = prompt.casefold()
    return next((code for word, code in words.items() if word.casefold() in folded), None)
