"""The facts of the catalog against the published tables and bills."""

from __future__ import annotations

import pytest

from seedance_async.catalog import RATIOS, SPECS, pixels, spec_for, tokens
from seedance_async.errors import InvalidRequest


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("doubao-seedance-2-5-260628", "2.5"),
        ("dreamina-seedance-2-5-260628", "2.5"),
        ("doubao-seedance-2.5", "2.5"),
        ("doubao-seedance-2-0-260128", "2.0"),
        ("dreamina-seedance-2-0-260128", "2.0"),
        ("doubao-seedance-2.0", "2.0"),
        ("dreamina-seedance-2-0-fast-260128", "2.0-fast"),
        ("doubao-seedance-2.0-fast", "2.0-fast"),
        ("doubao-seedance-2-0-mini-260615", "2.0-mini"),
        ("doubao-seedance-2.0-mini", "2.0-mini"),
        ("doubao-seedance-1-5-pro-251215", "1.5-pro"),
        ("seedance-1-5-pro-251215", "1.5-pro"),
        ("seedance-1-0-pro-250528", "1.0-pro"),
        ("doubao-seedance-1-0-pro-fast-251015", "1.0-pro-fast"),
        ("doubao-seedance-1-0-lite-t2v-250428", "1.0-lite-t2v"),
        ("seedance-1-0-lite-i2v-250428", "1.0-lite-i2v"),
        ("seedance-1-0-pro", "1.0-pro"),
    ],
)
def test_every_published_name_is_known(name: str, family: str) -> None:
    """A model is found under its Ark, BytePlus, plain, undated and subscription names."""
    spec = spec_for(name)
    assert spec is not None
    assert spec.family == family


@pytest.mark.parametrize(
    "name", ["ep-20260101-abcde", "doubao-seedance-3-0-270101", "", "doubao-seedance-1-5-pro-260101"]
)
def test_an_unknown_name_is_none(name: str) -> None:
    """An endpoint id, a newer model and another date of a known model are not guessed at."""
    assert spec_for(name) is None


def test_families_are_distinct() -> None:
    """No two models share a family name, which prices are looked up by."""
    families = [spec.family for spec in SPECS.values()]
    assert len(families) == len(set(families))


@pytest.mark.parametrize(
    ("family", "size", "seconds", "seconds_in", "billed"),
    [
        ("2.0", ("720p", "16:9"), 5, 0, 108_900),
        ("2.0", ("720p", "16:9"), 10, 0, 216_900),
        ("2.5", ("720p", "16:9"), 30, 0, 648_900),
        ("2.5", ("720p", "16:9"), 30, 30, 1_296_900),
        ("2.0", ("1080p", "16:9"), 5, 0, 245_025),
        ("2.0", ("480p", "16:9"), 5, 0, 50_638),
        ("2.5", ("480p", "16:9"), 5, 0, 48_437),
        ("2.0", ("480p", "9:16"), 4, 0, 40_594),
        ("1.0", ("1080p", "16:9"), 5, 0, 246_840),
    ],
)
def test_tokens_match_published_bills(
    family: str, size: tuple[str, str], seconds: int, seconds_in: int, billed: int
) -> None:
    """Pixel table and formula together give every bill that somebody published (api docs 1544106, live)."""
    assert tokens(*pixels(family, *size), seconds, seconds_in) == billed


@pytest.mark.parametrize(
    ("family", "resolution", "per_second"),
    [
        ("2.5", "480p", 9607.5),
        ("2.0", "480p", 10_044),
        ("1.0", "480p", 9720),
        ("2.0", "720p", 21_600),
        ("1.0", "720p", 20_592),
        ("2.0", "1080p", 48_600),
        ("1.0", "1080p", 48_960),
        ("2.0", "4k", 194_400),
    ],
)
def test_pixels_match_the_documented_rate(family: str, resolution: str, per_second: float) -> None:
    """The 16:9 sizes give the documented tokens per second of output (api docs 1544106)."""
    width, height = pixels(family, resolution, "16:9")
    assert width * height * 24 / 1024 == per_second


@pytest.mark.parametrize("model", sorted(SPECS))
def test_every_size_is_near_its_ratio(model: str) -> None:
    """Each size that a model can make is within 4 % of the ratio it stands for."""
    spec = SPECS[model]
    for resolution in spec.resolutions:
        for ratio in RATIOS:
            width, height = pixels(spec, resolution, ratio)
            across, down = map(int, ratio.split(":"))
            assert width / height == pytest.approx(across / down, rel=0.04)


def test_portrait_is_landscape_turned() -> None:
    """3:4 and 9:16 are 4:3 and 16:9 with the sides swapped, in every row."""
    for spec in SPECS.values():
        for resolution in spec.resolutions:
            assert pixels(spec, resolution, "3:4") == pixels(spec, resolution, "4:3")[::-1]
            assert pixels(spec, resolution, "9:16") == pixels(spec, resolution, "16:9")[::-1]


def test_adaptive_counts_as_the_largest_picture() -> None:
    """An adaptive 720p video may become 1112x834, the largest of its row."""
    assert pixels("2.0", "720P", "adaptive") == (1112, 834)


@pytest.mark.parametrize(
    ("family", "resolution", "ratio", "field"),
    [
        ("3.0", "720p", "16:9", "model"),
        ("2.5", "4k", "16:9", "resolution"),
        ("1.0", "4k", "16:9", "resolution"),
        ("2.0", "720p", "5:4", "ratio"),
    ],
)
def test_sizes_outside_the_table_are_refused(family: str, resolution: str, ratio: str, field: str) -> None:
    """What the table does not hold is an error that names the field, not a guess."""
    with pytest.raises(InvalidRequest) as caught:
        pixels(family, resolution, ratio)
    assert caught.value.field == field


def test_quotas_follow_the_published_table() -> None:
    """600 or 300 creates a minute, 180 for individuals on 2.x, 15 and one at a time at 4k."""
    spec = SPECS["seedance-2-0-260128"]
    assert (spec.enterprise.creates_per_minute, spec.enterprise.running) == (600, 10)
    assert (spec.individual.creates_per_minute, spec.individual.running) == (180, 3)
    assert spec.quota_4k is not None
    assert (spec.quota_4k.creates_per_minute, spec.quota_4k.running) == (15, 1)
    lite = SPECS["seedance-1-0-lite-t2v-250428"]
    assert (lite.enterprise.creates_per_minute, lite.enterprise.running) == (300, 5)
    assert [model for model, spec in SPECS.items() if spec.quota_4k] == ["seedance-2-0-260128"]
