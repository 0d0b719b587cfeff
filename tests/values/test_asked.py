"""Prompt, mapping or request: one way in, and a field that does not exist is named."""

from __future__ import annotations

from typing import Any

import pytest

from seedance_async.asked import as_request
from seedance_async.errors import InvalidRequest
from seedance_async.request import VideoRequest

CAT = VideoRequest(prompt="a cat", seed=1)


@pytest.mark.parametrize("asked", ["a cat", {"prompt": "a cat"}, VideoRequest(prompt="a cat")])
def test_every_form_gives_the_same_request(asked: Any) -> None:
    """A prompt, a mapping and a request, with the same further field, are equal."""
    assert as_request(asked, seed=1) == CAT


@pytest.mark.parametrize("asked", ["a cat", {"prompt": "a cat"}, CAT])
def test_a_field_that_does_not_exist_is_named(asked: Any) -> None:
    """The error names field and value, the field that was probably meant, and where unknown ones go."""
    with pytest.raises(InvalidRequest, match=r"durration=4 .*duration.*extra_body") as caught:
        as_request(asked, durration=4)
    assert (caught.value.field, caught.value.value) == ("durration", 4)


@pytest.mark.parametrize("key", [5, None])
def test_a_field_name_that_is_no_word_is_refused(key: Any) -> None:
    """A mapping out of a table may have numbers or nothing for names."""
    with pytest.raises(InvalidRequest):
        as_request({"prompt": "a cat", key: 1})


@pytest.mark.parametrize("asked", [None, 5, b"a cat", ["a cat"]])
def test_anything_else_is_refused(asked: Any) -> None:
    """What is no prompt, mapping or request is an error that says what would be."""
    with pytest.raises(InvalidRequest, match="VideoRequest"):
        as_request(asked)
