"""The tables of docs/reference that are made from code; ``python -m tests.docs.tables`` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seedance_async import batch, errors
from seedance_async.catalog import AUTO_DURATION, RATIOS, SPECS, ModelSpec, pixels, tokens
from seedance_async.prices import CNY, USD
from tests.checkout import ROOT
from tests.simulator import reference
from tests.simulator.reference import table

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE: Final = ROOT / "docs" / "reference"
FLAGS: Final = {
    "text alone": "text_to_video",
    "first frame": "first_frame",
    "last frame": "last_frame",
    "sound track": "audio",
    "frames": "frames",
    "camera_fixed": "camera_fixed",
    "flex": "flex",
    "draft": "draft",
    "priority": "priority",
    "web_search": "web_search",
    "HEIC": "heic",
}
KNOWN_BY_THE_CALL: Final[dict[type[errors.SeedanceError], str]] = {
    errors.AnswerLost: "; of a submit `maybe`",
    errors.AnswerUnreadable: "; of a submit `maybe`",
    errors.ServerFailed: "; of a submit `maybe`",
    batch.BatchStopped: "; with a task at the server `maybe`",
}
"""What an error says of its bill that its class does not know."""
SHOWN_SIZES: Final = ("480p", "720p", "1080p", "4k")


def seconds(spec: ModelSpec) -> str:
    """The lengths that a model makes, and the one it makes unasked."""
    unasked = "it chooses" if spec.default_duration == AUTO_DURATION else str(spec.default_duration)
    auto = ", or -1: it chooses" if spec.auto_duration else ""
    return f"{spec.min_duration} to {spec.max_duration}{auto}; unasked {unasked}"


def quota(spec: ModelSpec, limit: str) -> str:
    """One limit of an enterprise and of an individual account, and what it is at 4k."""
    usual = f"{getattr(spec.enterprise, limit)} / {getattr(spec.individual, limit)}"
    return usual if spec.quota_4k is None else f"{usual}; 4k: {getattr(spec.quota_4k, limit)}"


def sizes() -> str:
    """Resolutions and lengths of every model."""
    rows = [
        (
            f"`{name}`",
            " ".join(f"**{size}**" if size == spec.default_resolution else size for size in spec.resolutions),
            seconds(spec),
            quota(spec, "creates_per_minute"),
            quota(spec, "running"),
        )
        for name, spec in SPECS.items()
    ]
    return table(("model", "resolutions", "seconds", "creates a minute", "running at once"), rows)


def abilities() -> str:
    """What every model takes."""
    rows = [
        (
            f"`{what}`" if "_" in what else what,
            *("yes" if getattr(spec, name) else "" for spec in SPECS.values()),
        )
        for what, name in FLAGS.items()
    ]
    counts = [
        (f"reference {what}", *(str(getattr(spec, f"max_{what}") or "") for spec in SPECS.values()))
        for what in ("images", "videos", "audios")
    ]
    return table(("", *(spec.family for spec in SPECS.values())), [*rows, *counts])


def costs() -> str:
    """Tokens of five seconds at 16:9, by model and resolution."""
    rows = [
        (
            f"`{name}`",
            *(
                f"{tokens(*pixels(spec.pixel_family, size, '16:9'), 5):,}" if size in spec.resolutions else ""
                for size in SHOWN_SIZES
            ),
        )
        for name, spec in SPECS.items()
    ]
    return table(("model", *SHOWN_SIZES), rows)


def rates() -> str:
    """Prices of a million tokens, with a mark behind those that no official page confirms."""
    rows = [
        (
            rate.model,
            " ".join(rate.resolutions),
            prices.currency,
            *(
                "" if price is None else f"{price}{'' if rate.confirmed else ' (unconfirmed)'}"
                for price in (rate.price, rate.with_video, rate.silent)
            ),
        )
        for prices in (CNY, USD)
        for rate in prices.rates
    ]
    return table(("model", "resolutions", "", "price", "with input video", "silent"), rows)


def models() -> dict[str, str]:
    """The tables of the page of models, by their names there."""
    ratios = ", ".join(f"`{ratio}`" for ratio in RATIOS)
    return {"sizes": sizes(), "abilities": abilities(), "costs": costs(), "rates": rates(), "ratios": ratios}


def bills() -> str:
    """What each class of error says of the bill."""
    found = [one for one in vars(errors).values() if isinstance(one, type) and one.__name__ in errors.__all__]
    found += [batch.BatchStopped, batch.ChainBroken, batch.SubmitsHalted]
    rows = [
        (f"`{one.__name__}`", f"`{one.billed.value}`{KNOWN_BY_THE_CALL.get(one, '')}")
        for one in found
        if issubclass(one, errors.SeedanceError)
    ]
    return table(("error", "billed"), rows)


def pages() -> dict[str, Mapping[str, str]]:
    """Every page that has such tables, with its tables by their names."""
    return {"errors.md": {"bills": bills()}, "models.md": models(), "simulator.md": reference.tables()}


def filled(page: str, made: Mapping[str, str]) -> str:
    """Give the text of a page with its tables as the code has them."""
    for name, text in made.items():
        before, mark, rest = page.partition(f"<!-- table: {name} -->\n")
        page = f"{before}{mark}{text}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


if __name__ == "__main__":
    for name, made in pages().items():
        place = REFERENCE / name
        place.write_text(filled(place.read_text(encoding="utf-8"), made), encoding="utf-8")
