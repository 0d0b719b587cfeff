"""The tables of docs/reference/models.md, made from the catalog; ``python -m tests.docs.tables`` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seedance_async.catalog import AUTO_DURATION, RATIOS, SPECS, ModelSpec, pixels, tokens
from tests.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE: Final = ROOT / "docs" / "reference" / "models.md"
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
SHOWN_SIZES: Final = ("480p", "720p", "1080p", "4k")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    heading = list(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (heading, ["---"] * len(heading), *rows))


def seconds(spec: ModelSpec) -> str:
    """The lengths that a model makes, and the one it makes unasked."""
    unasked = "it chooses" if spec.default_duration == AUTO_DURATION else str(spec.default_duration)
    auto = ", or -1: it chooses" if spec.auto_duration else ""
    return f"{spec.min_duration} to {spec.max_duration}{auto}; unasked {unasked}"


def sizes() -> str:
    """Resolutions and lengths of every model."""
    rows = [
        (
            f"`{name}`",
            " ".join(f"**{size}**" if size == spec.default_resolution else size for size in spec.resolutions),
            seconds(spec),
            f"{spec.enterprise.creates_per_minute} / {spec.individual.creates_per_minute}",
            f"{spec.enterprise.running} / {spec.individual.running}",
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


def tables() -> dict[str, str]:
    """Every table by its name on the page."""
    ratios = ", ".join(f"`{ratio}`" for ratio in RATIOS)
    return {"sizes": sizes(), "abilities": abilities(), "costs": costs(), "ratios": ratios}


def filled(page: str) -> str:
    """Give the page with its tables as the catalog has them."""
    for name, text in tables().items():
        before, mark, rest = page.partition(f"<!-- table: {name} -->\n")
        page = f"{before}{mark}{text}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
