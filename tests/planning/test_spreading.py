"""Two tiers: what may go to flex goes there as far as the deadline lets it, dearest first."""

from __future__ import annotations

from decimal import Decimal

import pytest

from seedance_async import AccountLimits, InvalidRequest
from seedance_async.batch.jobs import Item, read_job
from seedance_async.batch.keys import Keys
from seedance_async.planning import PlannedAccount, RunTimes, spread

HOUR = 3600.0
_TWO_TO_FOUR = RunTimes(flex_hours=(2.0, 4.0))
_ACCOUNT = PlannedAccount(limits=AccountLimits(max_alive=100), flex_alive=50)


def test_a_far_deadline_halves_the_price() -> None:
    """With time enough, all that may go to flex goes, at half the price."""
    jobs = [{"prompt": f"prompt {number}"} for number in range(40)]
    made = spread(jobs, deadline=12 * HOUR, accounts=[_ACCOUNT], runs=_TWO_TO_FOUR)
    assert (len(made.default), len(made.flex), made.holds) == (0, 40, True)
    assert made.saved == made.cost
    assert {request.service_tier for _, request in made.flex} == {"flex"}


def test_a_near_deadline_leaves_flex_alone() -> None:
    """What flex may not have done by then stays where it is quick."""
    made = spread([{"prompt": "now"}], deadline=1 * HOUR, accounts=[_ACCOUNT], runs=_TWO_TO_FOUR)
    assert (len(made.default), len(made.flex), made.holds) == (1, 0, True)
    assert made.saved == Decimal(0)


def test_the_dearest_go_first() -> None:
    """Where flex has no room for all by the deadline, it takes those that save most."""
    cheap = [{"prompt": f"cheap {number}", "resolution": "480p", "duration": 4} for number in range(60)]
    dear = [{"prompt": f"dear {number}", "resolution": "1080p", "duration": 12} for number in range(60)]
    made = spread([*cheap, *dear], deadline=5 * HOUR, accounts=[_ACCOUNT], runs=_TWO_TO_FOUR)
    assert made.holds
    assert 50 <= len(made.flex) < 120
    assert all(request.resolution == "1080p" for _, request in made.flex[-50:])
    left = [request.prompt for _, request in made.default]
    assert sum("cheap" in str(prompt) for prompt in left) == min(60, len(left))


def test_a_deadline_that_cannot_be_held_says_so() -> None:
    """Ten slots do not make a thousand videos in an hour, and flex is no help."""
    jobs = [{"prompt": f"prompt {number}", "duration": 12} for number in range(1000)]
    assert not spread(jobs, deadline=1 * HOUR, accounts=[PlannedAccount()], runs=_TWO_TO_FOUR).holds


def test_the_tier_does_not_change_the_key() -> None:
    """A job keeps its key whatever is chosen for it, so a second choice orders nothing twice."""
    jobs = [{"prompt": "one"}, {"prompt": "one"}, {"prompt": "two"}]
    keys = Keys()
    plain: list[Item] = [read_job(job, index, keys) for index, job in enumerate(jobs)]
    keys.close()
    for deadline in (1 * HOUR, 12 * HOUR):
        made = spread(jobs, deadline=deadline, accounts=[_ACCOUNT], runs=_TWO_TO_FOUR)
        chosen = [*made.default, *made.flex]
        assert sorted(key for key, _ in chosen) == sorted(item.key for item in plain)


def test_what_cannot_be_spread_is_refused() -> None:
    """No time, bad jobs and links of chains are named."""
    for deadline in (0.0, -1.0, float("inf")):
        with pytest.raises(InvalidRequest, match="deadline"):
            spread([{"prompt": "x"}], deadline=deadline)
    with pytest.raises(InvalidRequest, match="chains"):
        spread([{"key": "b", "after": "a", "prompt": "x"}], deadline=HOUR)
