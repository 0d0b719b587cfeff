"""What a download has to be: of its kind by its own bytes, and no larger than any of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from seedance_async.errors import DownloadFailed
from seedance_async.media import mp4
from seedance_async.media.sniff import image_format

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FRAME", "VIDEO", "Expected"]

_HEAD: Final = 64


@frozen(kw_only=True)
class Expected:
    """What comes from an address in a task's record.

    Attributes:
        field: the field of the record that holds the address.
        largest: bytes that it may have at most.
        is_video: it must be a whole MP4; else a picture.
    """

    field: str
    largest: int
    is_video: bool

    def refuse_larger(self, size: int | None, *, told: bool = False) -> None:
        """Refuse a size.

        Args:
            size: bytes; None while nobody knows.
            told: its host tells of so many; else so many have come, and no end of it.

        Raises:
            DownloadFailed: it is above the largest; another try would bring the same.
        """
        if size is None or size <= self.largest:
            return
        sends = f"{size:,} bytes" if told else f"more than {self.largest:,} bytes"
        raise DownloadFailed(
            f"{self.field}: the host sends {sends}; at most {self.largest:,} are taken.",
            advice="Nothing of it was kept. Look where this address leads before you fetch it otherwise.",
        )

    def check_file(self, path: Path) -> None:
        """Check a whole file; blocking.

        Raises:
            DownloadFailed: it is not what was expected; fetching it again may help.
            OSError: it cannot be read.
        """
        if self.is_video:
            mp4.check_mp4(path)
            return
        with path.open("rb") as file:
            self.check_picture(file.read(_HEAD))

    def check_picture(self, head: bytes) -> None:
        """Check the first bytes of a picture.

        Raises:
            DownloadFailed: no picture of a known format begins like that; fetching it again may help.
        """
        if image_format(head) is None:
            raise DownloadFailed(f"{self.field}: what the host sent is no picture.")


VIDEO: Final = Expected(field="video_url", largest=8 << 30, is_video=True)
"""A video. Uncompressed, the largest that a model makes (15 s of 4k at 24 fps and 10 bits) has 5.6 GB."""

FRAME: Final = Expected(field="last_frame_url", largest=64 << 20, is_video=False)
"""A last frame, which is as large as the video (api docs 1520757): uncompressed 50 MB, in 4k at 16 bits."""
