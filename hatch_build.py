"""The package page is README.md without the links that lead on inside the repository and are dead there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK_TO_A_FILE = re.compile(r"\[([^]]+)\]\((?!https?://|#)[^)]*\)")


class PackagePage(MetadataHookInterface):
    """Gives the package its long description, whether it is built from a checkout or from an sdist."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Name a file where the page would have a link to it."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": _LINK_TO_A_FILE.sub(r"`\1`", text)}
