"""Make the packaged clip again: `python -m seedance_async.simulator.video [FILE]`.

It uses Pillow's built-in face instead of the machine's fonts, so that it looks the same wherever it is made.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve

from seedance_async.simulator.video import Clip

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGED: Final = Clip(
    prompt="A ready-made clip of the simulated server",
    width=480,
    height=270,
    seconds=5,
    seed=7,
)


def make() -> bytes:
    """The packaged clip, drawn and encoded anew: small rather than quick, and only the bar moves."""
    from seedance_async.simulator.video import render, scene

    lively = scene.compose(PACKAGED, system_fonts=False)
    discs = tuple(evolve(disc, speeds=(0.0, 0.0)) for disc in lively.discs)
    return render.encode(PACKAGED, evolve(lively, discs=discs), render.SMALL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the clip to FILE, by default to its place in the package."""
    parser = argparse.ArgumentParser(prog="python -m seedance_async.simulator.video", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).with_name("clip.mp4"))
    target: Path = parser.parse_args(arguments).file
    content = make()
    target.write_bytes(content)
    sys.stdout.write(f"{target}: {len(content)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
