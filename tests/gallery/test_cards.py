"""Cards and page: everything from outside stays text, and nothing asks the network."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from seedance_async.media.gallery import Item, Problem, gallery_page
from seedance_async.media.gallery.cards import card
from seedance_async.media.gallery.page import Shell, sums, wrap

NASTY = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;</style>]]>"


class Reader(HTMLParser):
    """Reads HTML as a browser does: tags with attributes, and the text within the prompt."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def full(text: str, **fields: Any) -> Item:
    """Give an item that holds the text everywhere."""
    facts = ((text, text),)
    return Item(key=text, status=text, prompt=text, model=text, task_id=text, facts=facts, **fields)


def filmed(text: str) -> Item:
    """Give one with a video."""
    return full(text, video=text, poster=text)


def broken(text: str) -> Item:
    """Give one with a problem."""
    return full(text, problem=Problem(code=text, message=text, advice=text, request_id=text))


def elsewhere(text: str) -> Item:
    """Give one whose video no page can show."""
    return full(text, place=text)


@given(text=st.text(min_size=1))
@example(text=NASTY)
@example(text="\x00\x1b[31m\u202e")
def test_any_text_stays_text(text: str) -> None:
    """Whatever a prompt, key or model says, the card has the tags of a plain one and says it unchanged."""
    for shape in (filmed, broken, elsewhere):
        plain, read = Reader(card(shape("x"), 0)), Reader(card(shape(text), 0))
        assert read.tags == plain.tags
        assert [name for name, _ in read.attributes] == [name for name, _ in plain.attributes]
        assert "".join(read.texts).count(text) >= 4


def test_a_title_stays_text() -> None:
    """The title comes from a folder's name, and folders may have any."""
    page = gallery_page([], title=NASTY)
    assert page.count("<script>") == 1
    assert "onerror=alert(1)>" not in page


def test_the_policy_lets_only_this_script_and_style_run() -> None:
    """The hashes of the policy are those of what is in the page, and nothing may be fetched from a host."""
    page = gallery_page([Item(key="a", status="succeeded", prompt=NASTY, video="./a.mp4")])
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    policy = found[1].replace("&#x27;", "'")
    for tag in ("style", "script"):
        text = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy


def test_a_live_page_may_talk_to_its_own_server_only() -> None:
    """A board needs events; a gallery on disk does not."""
    assert "connect-src &#x27;self&#x27;;" in wrap([], Shell(title="t", connects=True))


def test_the_page_names_no_other_place() -> None:
    """No font, script, style or picture is taken from anywhere else."""
    page = gallery_page([Item(key="a", status="succeeded", video="./a.mp4", poster="./a.last.png")])
    places = re.findall(r"""(?:src|href|url|action|poster)\s*[=(]\s*["']?([^"'\s>)]+)""", page)
    assert {place.partition(":")[0] for place in places if ":" in place} <= {"data"}
    assert not any(place.startswith("//") for place in places)


def test_a_card_without_prompt_says_so() -> None:
    """A video that has no sidecar is shown all the same."""
    assert "no prompt is known" in card(Item(key="a", status="succeeded", video="./a.mp4"), 0)


def test_only_what_is_known_can_be_sorted_by() -> None:
    """A failure without tokens has no tokens, rather than none of them."""
    html = card(Item(key="a", status="failed", cost=Decimal("0.5"), seconds=3.0), 4)
    assert 'data-order="4"' in html
    assert 'data-cost="0.5"' in html
    assert "data-tokens" not in html


def test_the_sum_counts_states_tokens_and_currencies() -> None:
    """One line says what a reader wants to know first; currencies are not added up."""
    items = [
        Item(key="a", status="succeeded", tokens=1000, cost=Decimal("1.5"), currency="CNY"),
        Item(key="b", status="succeeded", tokens=2000, cost=Decimal("0.25"), currency="USD"),
        Item(key="c", status="failed"),
    ]
    assert (
        sums(items)
        == "2 videos · 1 failed · 3,000 tokens · ¥1.50 by the price list · $0.25 by the price list"
    )
    assert sums([]) == "0 videos"
    assert sums(items[:1]).startswith("1 video · ")


def test_a_thousand_cards_make_a_light_page() -> None:
    """A page of 1,000 prompts stays small enough to open from a mail."""
    items = [
        Item(key=f"{n:04}", status="succeeded", prompt="a cat " * 40, video=f"./{n}.mp4") for n in range(1000)
    ]
    assert len(gallery_page(items)) < 2_000_000
