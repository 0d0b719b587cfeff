"""Places of one process: who has one, and when it is free again."""

from __future__ import annotations

import pytest

from seedance_async.errors import Billed, InvalidRequest
from seedance_async.media.places import Places, arriving


def free(where: str) -> bool:
    """Whether somebody new would get a place."""
    try:
        with Places() as places:
            places.keep(where, "new", name="somebody new")
    except InvalidRequest:
        return False
    return True


def test_a_place_has_one_tenant_until_it_is_given_back() -> None:
    """The second is told who has it and that nothing was sent; the same job may ask twice."""
    with Places() as mine, Places() as yours:
        mine.keep("out/cat.mp4", "a", name="job 'a'")
        mine.keep("out/cat.mp4", "a", name="job 'a'")
        with pytest.raises(InvalidRequest, match=r"save_to=.*cat.*of job 'a'.*nothing was sent") as caught:
            yours.keep("out/cat.mp4", "a", name="job 'a'")
        assert caught.value.billed is Billed.NO
        yours.give_back("a")
        assert not free("out/cat.mp4")
        mine.give_back("a")
        assert free("out/cat.mp4")


def test_the_end_of_a_run_gives_all_back() -> None:
    """None stays kept by a run that is over."""
    with Places() as places:
        for name in ("a", "b"):
            places.keep(f"out/{name}.mp4", name, name=name)
        assert not free("out/b.mp4")
    assert free("out/a.mp4")
    assert free("out/b.mp4")


@pytest.mark.parametrize("same", ["out/cat.mov", "out/CAT/../cat.MP4", "out//cat.mp4", "out/cat"])
def test_a_place_is_known_by_any_of_its_words(same: str) -> None:
    """The ending may be known only when the video is there, and a way may be written in several ways."""
    with Places() as places:
        places.keep("out/cat.mp4", "a", name="job 'a'")
        assert not free(same)
        assert free("out/cat.1")


def test_what_arrives_comes_before_what_is_expected() -> None:
    """A paid video lands in a place that is only kept, and the place stays with whoever kept it."""
    with Places() as places:
        places.keep("out/cat.mp4", "a", name="job 'a'")
        with arriving("out/cat.mp4", "cgt-1") as other:
            assert other is None
        assert not free("out/cat.mp4")


def test_a_place_given_back_meanwhile_is_free_when_the_video_is_there() -> None:
    """The end of a run does not take the place from under another's video, and nobody keeps it for ever."""
    with Places() as places:
        places.keep("out/cat.mp4", "a", name="job 'a'")
        landing = arriving("out/cat.mp4", "cgt-1")
        landing.__enter__()
    assert not free("out/cat.mp4")
    with arriving("out/cat.mp4", "cgt-2") as other, arriving("out/cat.mp4", "cgt-1") as same:
        assert (other, same) == ("cgt-1", None)
    landing.__exit__(None, None, None)
    assert free("out/cat.mp4")
