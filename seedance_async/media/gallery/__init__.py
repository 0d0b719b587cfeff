"""The gallery: a page of results that people like to look at, from a folder of videos and a journal.

``await write_gallery("out/", journal="run.db")`` writes ``out/index.html``. :func:`collect` and
:func:`gallery_page` are its two halves: what there is to show, and how.
"""

from __future__ import annotations

from seedance_async.media.gallery.collecting import collect
from seedance_async.media.gallery.items import Item, Problem
from seedance_async.media.gallery.page import gallery_page
from seedance_async.media.gallery.writing import write_gallery

__all__ = ["Item", "Problem", "collect", "gallery_page", "write_gallery"]
