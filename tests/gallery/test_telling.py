"""What a page may tell of a request, and what stays away from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from seedance_async.media.gallery.advice import advice_for, problem_of
from seedance_async.media.gallery.pricing import Pricer
from seedance_async.media.gallery.telling import prompt_of, settings_of
from seedance_async.media.gallery.words import (
    bytes_text,
    moment_text,
    money_text,
    seconds_text,
    without_signatures,
)
from seedance_async.prices import USD
from tests.gallery.shelves import PRO, body


def image(url: Any, role: str | None = None) -> dict[str, Any]:
    """Give an image item."""
    return {"type": "image_url", "image_url": {"url": url}, **({"role": role} if role else {})}


def told(*items: dict[str, Any], record: dict[str, Any] | None = None, **fields: Any) -> dict[str, str]:
    """Give what is told of a request."""
    return dict(settings_of({"model": PRO, "content": list(items), **fields}, record))


def test_all_texts_are_the_prompt() -> None:
    """A request may hold several texts, and none of them is lost."""
    content = [
        {"type": "text", "text": "one"},
        image("https://x.example/a.png"),
        {"type": "text", "text": "two"},
    ]
    assert prompt_of({"content": content}) == "one\ntwo"


@pytest.mark.parametrize("request_", [None, {}, {"content": "text"}, {"content": [1, None, {"text": 5}]}])
def test_a_request_of_any_shape_has_some_prompt(request_: dict[str, Any] | None) -> None:
    """A journal of another version, or a sidecar edited by hand, does not stop the page."""
    assert prompt_of(request_) == ""


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://user:pw@cdn.example/in/fox.png?X-Signature=secret#frag", "fox.png (cdn.example)"),
        ("https://cdn.example/", "cdn.example"),
        ("data:image/png;base64," + "A" * 4000, "image/png 3 kB"),
        ("data:image/png,(10 bytes, sha256 abc)", "image/png (10 bytes, sha256 abc)"),
        ("asset://asset-123", "asset://asset-123"),
        (b"x" * 5000, "5 kB"),
        (None, ""),
    ],
)
def test_an_input_is_named_without_what_opens_it(url: Any, text: str) -> None:
    """No signature, no password and no megabytes of base64 reach the page."""
    assert told(image(url, "first_frame")) == {"First frame": text}


def test_secret_fields_are_not_told() -> None:
    """The address that answers callbacks and the end user's id stay in the journal."""
    shown = told(callback_url="https://x.example/cb/token", safety_identifier="user-9", seed=4, unknown="y")
    assert shown == {}


def test_what_the_server_did_goes_before_what_was_asked() -> None:
    """An adaptive ratio is shown as what it became."""
    shown = told(
        ratio="adaptive", duration=-1, record={"ratio": "9:16", "duration": 6, "generate_audio": False}
    )
    assert shown == {"Ratio": "9:16", "Length": "6 s", "Sound": "no"}


def test_a_length_left_to_the_model_is_said_in_words() -> None:
    """Nobody reads -1 s."""
    assert told(duration=-1) == {"Length": "chosen by the model"}


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({}, (Decimal("1.7424"), "CNY")),
        ({"generate_audio": False}, (Decimal("0.8712"), "CNY")),
        ({"service_tier": "flex"}, (Decimal("0.8712"), "CNY")),
        ({"model": "seedance-1-5-pro-251215"}, (Decimal("0.26136"), "USD")),
        ({"model": "house-model"}, (None, "")),
        ({"resolution": 5}, (None, "")),
    ],
)
def test_tokens_are_priced_by_what_was_asked(fields: dict[str, Any], price: tuple[Any, str]) -> None:
    """108,900 tokens cost what the list says for the sound, the tier and the place of the model."""
    assert Pricer().price(body(**fields), None, 108_900) == price


def test_an_input_video_has_its_own_price() -> None:
    """The price of a model with a video as input is another one, whatever the video's address has become."""
    video = {"type": "video_url", "role": "reference_video", "video_url": {"url": "https://x.example/a.mp4"}}
    request = body(model="doubao-seedance-2-0-260128")
    request["content"].append(video)
    assert Pricer().price(request, None, 1_000_000) == (Decimal(28), "CNY")


def test_the_callers_price_list_counts() -> None:
    """A list that the caller gives is taken for every model."""
    assert Pricer(USD).price(body(), None, 1_000_000) == (Decimal("2.4"), "USD")


def test_nothing_billed_costs_nothing_known() -> None:
    """Without tokens there is no price, not a price of zero."""
    assert Pricer().price(body(), None, None) == (None, "")


def test_an_error_is_put_apart() -> None:
    """Code, sentence, advice and request id are each said once."""
    problem = problem_of(
        status="refused",
        code="ModelNotOpen",
        error_type="RequestRefused",
        message="HTTP 404 ModelNotOpen: Not activated, see https://c.example/x?key=1. Request id: 0217953636",
    )
    assert problem.code == "ModelNotOpen"
    assert problem.message == "Not activated, see https://c.example/x"
    assert problem.advice == "Open the model for the account in the console."
    assert problem.request_id == "0217953636"


def test_advice_of_the_error_class_is_not_repeated() -> None:
    """What the error's own text ends with is not shown a second time."""
    message = (
        "The account must stop. Top up, raise the limit in the console, or wait for the plan's next period."
    )
    problem = problem_of(status="refused", error_type="QuotaExhausted", message=message)
    assert problem.message == "The account must stop."
    assert problem.advice.startswith("Top up")


@pytest.mark.parametrize(
    ("status", "code", "error_type", "beginning"),
    [
        ("failed", "OutputAudioSensitiveContentDetected", "", "Nothing was billed"),
        ("refused", "InputImageSensitiveContentDetected.PrivacyInformation", "", "Change the input"),
        ("uncertain", "", "SubmitUncertain", "A task may exist and bill: do not submit again"),
        ("expired", "", "", "It waited too long"),
        ("failed", "", "NoSuchError", ""),
    ],
)
def test_every_bad_end_has_its_advice(status: str, code: str, error_type: str, beginning: str) -> None:
    """The next step depends on the code first, then on the error, then on the state."""
    advice = advice_for(status=status, code=code, error_type=error_type)
    assert advice.startswith(beginning)
    assert bool(advice) == bool(beginning)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (4.24, "4.2 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (116, "1 min 56 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_lengths_of_time_read_well(seconds: float, text: str) -> None:
    """No length reads as 60 seconds or as 0:00."""
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "¥0.00"), ("1.7424", "¥1.74"), ("0.00441", "¥0.0044"), ("12345.6", "¥12,345.60")],
)
def test_small_amounts_keep_their_digits(amount: str, text: str) -> None:
    """A video for less than a cent is not shown as free."""
    assert money_text(Decimal(amount), "CNY") == text


def test_other_currencies_are_named() -> None:
    """Only yuan and dollars have a sign here."""
    assert money_text(Decimal(2), "EUR") == "2.00 EUR"


def test_sizes_read_well() -> None:
    """Kilobytes and megabytes, as file managers count them."""
    assert (bytes_text(311_900), bytes_text(4_100_000)) == ("312 kB", "4.1 MB")


@pytest.mark.parametrize("at", [1e18, float("nan"), -1e18])
def test_an_impossible_moment_is_no_text(at: float) -> None:
    """A broken time stamp in a file does not stop the page."""
    assert moment_text(at) == ""


def test_messages_lose_the_keys_of_urls() -> None:
    """A signed URL in an error text opens nothing any more."""
    assert (
        without_signatures('GET "https://v.example/a.mp4?sig=abc#x" failed')
        == 'GET "https://v.example/a.mp4" failed'
    )
