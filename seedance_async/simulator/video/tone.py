"""The sound track: one sine tone, its pitch from the seed, soft at both ends."""

from __future__ import annotations

import hashlib
import math
from array import array
from typing import Final

RATE: Final = 48_000
LOUDNESS: Final = 0.25
FADE: Final = RATE // 50
# Whole samples a period, 240 to 800 Hz: one period is computed, the rest are copies.
SHORTEST_PERIOD: Final = 60
LONGEST_PERIOD: Final = 200


def period(seed: int) -> int:
    """Samples in one period of the tone that belongs to `seed`."""
    choice = int.from_bytes(hashlib.sha256(f"pitch {seed}".encode()).digest()[:4])
    return SHORTEST_PERIOD + choice % (LONGEST_PERIOD - SHORTEST_PERIOD + 1)


def samples(seed: int, count: int) -> array[int]:
    """`count` signed 16-bit mono samples at `RATE` a second, fading in and out over 20 ms.

    Args:
        seed: decides the pitch.
        count: how many samples, 0 or more.
    """
    length = period(seed)
    peak = 32767 * LOUDNESS
    wave = array("h", (round(peak * math.sin(math.tau * step / length)) for step in range(length)))
    sound = (wave * (count // length + 1))[:count]
    for step in range(min(FADE, count // 2)):
        sound[step] = sound[step] * step // FADE
        sound[-1 - step] = sound[-1 - step] * step // FADE
    return sound
