"""Moderation by words in the prompt: refused at create, or accepted and failed later."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import field, frozen

from seedance_async.simulator.refusals import Refusal

_TAG = re.compile(r"\[(refuse|fail):([A-Za-z.]+)\]")

MESSAGES = {
    "InputTextSensitiveContentDetected": "The request failed because the input text may contain sensitive information.",
    "InputImageSensitiveContentDetected": "The request failed because the input image may contain sensitive "
    "information.",
    "OutputVideoSensitiveContentDetected": "The request failed because the output video may contain sensitive "
    "information.",
    "OutputAudioSensitiveContentDetected": "The request failed because the output audio may contain sensitive "
    "information.",
    "InternalServiceError": "The service encountered an unexpected internal error.",
}


def message_of(code: str) -> str:
    """The server's sentence for a code, or a plain one."""
    return MESSAGES.get(code, f"The request failed: {code}.")


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
