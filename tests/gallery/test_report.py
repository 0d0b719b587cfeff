"""The pictures of a journal: what they show, at ten prompts and at thousands."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seedance_async import InvalidRequest, JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import JobState
from seedance_async.media.gallery import collect, write_gallery
from seedance_async.report import Fact, Facts, draw, read_facts, write_report
from seedance_async.report.axis import axis_of, scale
from seedance_async.report.latency import latency, percentile
from seedance_async.report.spending import spending
from seedance_async.report.timeline import timeline
from tests.browsers import visiting
from tests.gallery.shelves import fill

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

SVG = "{http://www.w3.org/2000/svg}"
DAY = 86_400.0


def job(key: str = "a", sent: float | None = 10.0, took: float = 60.0, **fields: Any) -> Fact:
    """Give a job that succeeded and landed a second later."""
    ended = None if sent is None else sent + took
    usual: dict[str, Any] = {"state": JobState.SAVED, "planned": 0.0, "sent": sent, "ended": ended}
    usual["took"] = None if sent is None else took
    usual["saved"] = None if ended is None else ended + 1
    usual |= {"tokens": 100, "cost": Decimal("0.5"), "currency": "CNY"}
    return Fact(key=key, **{**usual, **fields})


def jobs(*listed: Fact) -> Facts:
    """Give the facts of some jobs."""
    return Facts(jobs=listed, currency="CNY")


def bars(body: str, css: str) -> list[tuple[float, float]]:
    """Give left edge and width of each bar of a kind."""
    root = ET.fromstring(f"<svg>{body}</svg>")  # noqa: S314 - our own text
    found = [one for one in root.iter("rect") if one.get("class") == css and one.get("rx") is None]
    return [(float(one.get("x", "")), float(one.get("width", ""))) for one in found]


@pytest.mark.asyncio
async def test_facts_are_those_of_the_journal(tmp_path: Path) -> None:
    """Each job's state, tokens, price and error code arrive; paid ones count as succeeded."""
    await fill(tmp_path / "run.db", tmp_path)
    facts = await read_facts(tmp_path / "run.db")
    told = {one.key: one for one in facts.jobs}
    assert facts.currency == "CNY"
    assert (told["surf"].status, told["surf"].tokens, told["surf"].cost) == (
        "succeeded",
        108_900,
        Decimal("1.7424"),
    )
    assert (told["censored"].status, told["censored"].why) == (
        "failed",
        "OutputVideoSensitiveContentDetected",
    )
    assert told["censored"].seconds is None
    assert told["later"].sent is None


@pytest.mark.asyncio
async def test_a_pause_makes_no_task_long(tmp_path: Path) -> None:
    """An end that was seen years after the submit is told by the server's clock, everywhere alike."""
    await fill(tmp_path / "run.db", tmp_path)
    facts = await read_facts(tmp_path / "run.db")
    items = await collect(tmp_path, journal=tmp_path / "run.db")
    assert {job.seconds for job in facts.jobs} == {56.0, None}
    assert {item.seconds for item in items if item.status in {"succeeded", "failed"}} == {56.0}
    drawn = latency(facts)
    assert drawn is not None
    assert "90 % within 56 s" in drawn.words


def test_a_task_is_drawn_from_its_plan_to_its_landing() -> None:
    """Waiting, working and landing stand end to end, in proportion to their seconds."""
    body = timeline(jobs(job("a", sent=10.0, took=60.0, saved=80.0))).body
    (wait,), (work,), (land,) = bars(body, "wait"), bars(body, "work"), bars(body, "land")
    assert wait[0] + wait[1] == pytest.approx(work[0], abs=0.2)
    assert work[0] + work[1] == pytest.approx(land[0], abs=0.2)
    assert work[1] / wait[1] == pytest.approx(6, rel=0.01)
    assert land[1] / wait[1] == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(
    ("fields", "css"),
    [
        ({"state": JobState.FAILED, "saved": None}, "lost"),
        ({"state": JobState.REFUSED, "ended": None, "saved": None}, "lost"),
        ({"state": JobState.UNCERTAIN, "ended": None, "saved": None}, "open"),
        ({"state": JobState.ACCEPTED, "ended": None, "saved": None}, "open"),
        ({"state": JobState.PLANNED, "sent": None}, "wait"),
    ],
)
def test_other_ends_look_different(fields: dict[str, Any], css: str) -> None:
    """A failure is no success, and what has not ended reaches to the last thing that is known."""
    body = timeline(jobs(job("done", took=100.0), job("it", **fields))).body
    assert len(bars(body, css)) == (2 if css == "wait" else 1)
    assert len(bars(body, "work")) == 1


@pytest.mark.parametrize(("count", "drawn"), [(10, 10), (1000, 1000), (5000, 1667)])
def test_the_timeline_fits_any_number(count: int, drawn: int) -> None:
    """Ten prompts are named, a thousand still make one screen, and of five thousand every third is drawn."""
    figure = timeline(jobs(*(job(f"shot {n}", sent=float(n)) for n in range(count))))
    assert len(bars(figure.body, "work")) == drawn
    assert figure.height < 1700
    named = ">shot 3</text>" in figure.body
    assert named == (count == 10)
    assert ("one of 3" in figure.title) == (count == 5000)


def test_a_night_between_two_runs_is_cut_out() -> None:
    """A batch that went on the next day shows both runs, and the pause as a number."""
    figure = timeline(jobs(job("today"), job("tomorrow", sent=DAY)))
    (first, width), (second, _) = bars(figure.body, "work")
    assert second - (first + width) < 100
    assert width > 250
    assert "23 h 58 min pause" in figure.body


@given(
    spans=st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(0, 1e4)).map(lambda s: (s[0], s[0] + s[1])),
        min_size=1,
        max_size=30,
    ),
    moments=st.lists(st.floats(-1e6, 2e6), min_size=2, max_size=10),
)
def test_time_never_runs_backwards(spans: list[tuple[float, float]], moments: list[float]) -> None:
    """Whatever is cut, later moments never stand further left, and all stand within the picture."""
    axis = axis_of(spans, left=100.0, right=900.0)
    places = [axis.x(at) for at in sorted(moments)]
    assert places == sorted(places)
    assert min(places) >= 100 - 1e-6
    assert max(places) <= 900 + 1e-6
    drawn = ET.fromstring(f"<svg>{axis.drawn(0, 10)}</svg>")  # noqa: S314 - our own text
    assert len(list(drawn)) < 700


@given(st.floats(0.001, 1e12))
def test_scales_are_round_and_enough(most: float) -> None:
    """Three to seven lines, the last one not below the greatest value nor far above it."""
    values = scale(most)
    assert values[-1] >= most * 0.999999
    assert values[-1] <= most * 2.6
    assert 3 <= len(values) <= 7


def test_a_scale_of_nothing_has_room_all_the_same() -> None:
    """Videos for nothing, by a price list of zeros, divide nothing by zero."""
    assert scale(0.0) == [0.0, 1.0]
    figure = spending(jobs(job(cost=Decimal(0))))
    assert figure is not None
    assert figure.words == "100 tokens in all, ¥0.00 in all"


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 2.0), (75, 3.0), (90, 4.0), (100, 4.0)])
def test_percentiles_are_values_that_were_seen(percent: int, value: float) -> None:
    """Half within x means that half of the tasks really took no longer."""
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == value


def test_latency_counts_succeeded_tasks_only() -> None:
    """A refusal within a second is no quick task."""
    figure = latency(jobs(job(took=61.0), job(took=62.0), job(took=1.0, state=JobState.FAILED)))
    assert figure is not None
    assert "half within 1 min 1 s" in figure.words
    assert len(bars(figure.body, "work")) == 2
    assert latency(jobs(job(state=JobState.FAILED))) is None


@pytest.mark.parametrize(
    ("times", "marks"),
    [([15.2, 15.9, 16.4], ["15.0 s", "15.5 s", "16.0 s"]), ([15.0, 16.0, 17.0], ["15 s", "16 s", "17 s"])],
)
def test_each_bar_has_a_time_of_its_own(times: list[float], marks: list[str]) -> None:
    """Bars narrower than a second are told by tenths; where the server counts seconds no bar is narrower."""
    figure = latency(jobs(*(job(took=seconds) for seconds in times)))
    assert figure is not None
    root = ET.fromstring(f"<svg>{figure.body}</svg>")  # noqa: S314 - our own text
    assert [text.text for text in root.iter("text") if (text.text or "").endswith(" s")][:3] == marks


def test_spending_adds_up_in_the_order_of_ending() -> None:
    """The curves end at the sums, and other currencies are not mixed in."""
    figure = spending(jobs(job(took=90.0), job(took=30.0), job(currency="USD", cost=Decimal(100))))
    assert figure is not None
    assert figure.words == "300 tokens in all, ¥1.00 in all"
    assert spending(jobs(job(tokens=0, cost=None))) is None


def test_errors_are_counted_by_code_with_their_advice() -> None:
    """The page says what went wrong most, and what to do about it."""
    bad = [job(str(n), state=JobState.FAILED, why="OutputVideoSensitiveContentDetected") for n in range(3)]
    page = draw(jobs(job(), *bad), title="t").page
    assert "3 ×" in page
    assert "OutputVideoSensitiveContentDetected: Nothing was billed." in page


@given(text=st.text(max_size=30))
@example("</svg><script>alert(1)</script>")
@example("\x00\x1f\ud83d&<>\"'")
def test_any_key_makes_well_formed_pictures(text: str) -> None:
    """A picture with names from outside is XML that every viewer reads, and has no element of theirs."""
    drawn = draw(jobs(job(text or "x"), job("b", state=JobState.FAILED, why=text)), title=text)
    root = ET.fromstring(drawn.svg)  # noqa: S314 - our own text
    kinds = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert kinds <= {"svg", "title", "desc", "style", "rect", "text", "line", "path", "g"}
    assert "<script" not in drawn.page


def test_an_empty_journal_has_no_pictures() -> None:
    """Before anything was planned the page says so."""
    drawn = draw(Facts(), title="t")
    assert drawn.figures == ()
    assert "No prompts yet." in drawn.page


@pytest.mark.asyncio
async def test_page_and_picture_are_written(tmp_path: Path) -> None:
    """Without a target the page stands beside the journal; a target's ending chooses the form."""
    await fill(tmp_path / "run.db", tmp_path)
    page = await write_report(tmp_path / "run.db")
    assert page == tmp_path / "run.report.html"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    picture = await write_report(tmp_path / "run.db", tmp_path / "run.svg", title="Trials")
    assert ET.parse(picture).getroot().findtext(f"{SVG}title") == "Trials"  # noqa: S314 - our own text


@pytest.mark.asyncio
async def test_a_report_while_the_batch_runs(tmp_path: Path) -> None:
    """The journal of a running batch can be drawn, and what is no journal is refused."""
    async with Journal.open(tmp_path / "run.db"):
        assert (await read_facts(tmp_path / "run.db")).jobs == ()
    (tmp_path / "notes.db").write_text("hello")
    with pytest.raises(JournalError):
        await write_report(tmp_path / "notes.db")


@pytest.mark.asyncio
async def test_a_report_never_replaces_its_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming the journal as the target, by whatever path, is refused, and the journal is what it was."""
    await fill(tmp_path / "run.db", tmp_path)
    before = (tmp_path / "run.db").read_bytes()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidRequest, match="journal itself"):
        await write_report("./run.db", tmp_path / "run.db")
    assert (tmp_path / "run.db").read_bytes() == before


@pytest.mark.asyncio(loop_scope="module")
async def test_the_gallery_shows_the_report(browser: Browser, tmp_path: Path) -> None:
    """With a journal the figures stand below the videos, unless they are not wanted."""
    await fill(tmp_path / "run.db", tmp_path)
    page = await write_gallery(tmp_path, journal=tmp_path / "run.db")
    async with visiting(browser, page.as_uri()) as visit:
        assert await visit.page.locator(".report svg.chart").count() == 4
        await visit.page.click("a.jump")
        assert visit.said == []
    plain = await write_gallery(tmp_path, journal=tmp_path / "run.db", figures=False)
    assert 'id="report"' not in plain.read_text("utf-8")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_report_follows_the_theme_without_a_script(
    browser: Browser, tmp_path: Path, scheme: Any
) -> None:
    """With scripts off, text and ground can be told apart in either theme, also in the lone picture."""
    await fill(tmp_path / "run.db", tmp_path)
    for target, ground in (("r.html", "figure"), ("r.svg", "rect.ground")):
        written = await write_report(tmp_path / "run.db", tmp_path / target)
        async with visiting(
            browser, written.as_uri(), color_scheme=scheme, java_script_enabled=False
        ) as visit:
            shown = visit.page.locator(ground).first
            behind = await shown.evaluate(
                "e => getComputedStyle(e)[e.tagName === 'rect' ? 'fill' : 'backgroundColor']"
            )
            letters = await visit.page.locator("text").first.evaluate("e => getComputedStyle(e).fill")
            assert visit.said == []
        assert abs(brightness(behind) - brightness(letters)) > 80


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("width", "told"), [(390, True), (700, True), (1280, False)])
async def test_a_picture_wider_than_the_screen_says_so(
    browser: Browser, tmp_path: Path, *, width: int, told: bool
) -> None:
    """Where a picture goes on beyond the edge a word says that it scrolls, and its title stays in place."""
    await fill(tmp_path / "run.db", tmp_path)
    page = await write_report(tmp_path / "run.db")
    async with visiting(browser, page.as_uri(), viewport={"width": width, "height": 800}) as visit:
        picture = visit.page.locator(".wide").first
        wide = await picture.evaluate("e => e.scrollWidth > e.clientWidth")
        hint = await visit.page.evaluate("getComputedStyle(document.querySelector('h2'), '::after').content")
        assert (wide, "scroll sideways" in hint) == (told, told)
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= width


def brightness(colour: str) -> float:
    """Give the brightness, 0 to 255, of what a browser calls rgb(...)."""
    return sum(float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]) / 3
