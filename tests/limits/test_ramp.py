"""The ramp as a pair of functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedance_async._wire.ramp import RAMP_SECONDS, age_at, worth

AGES = st.floats(min_value=0.0, max_value=1e5)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0.0, 0.0), (0.5, 0.05), (1.0, 0.1), (5.0, 1.3), (10.0, 5.05), (20.0, 15.05)],
)
def test_worth_follows_the_ramp(age: float, expected: float) -> None:
    """A tenth for one second, then linear to the whole at 10 s: the areas under that line."""
    assert worth(age) == pytest.approx(expected)


@given(AGES)
def test_age_at_is_the_inverse_of_worth(age: float) -> None:
    """A next request that is planned by worth and age_at goes at the age it was planned for."""
    assert age_at(worth(age)) == pytest.approx(age, abs=1e-6)


@given(AGES, st.floats(min_value=0.0, max_value=100.0))
def test_the_ramp_never_goes_faster_than_the_pace(age: float, seconds: float) -> None:
    """A span of a start is worth at most itself, and from the end of the ramp on exactly itself."""
    gain = worth(age + seconds) - worth(age)
    assert -1e-9 <= gain <= seconds + 1e-9
    if age >= RAMP_SECONDS:
        assert gain == pytest.approx(seconds, abs=1e-6)
