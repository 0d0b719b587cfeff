"""The how-to for notebooks, run as a notebook, in a kernel of its own, against the simulator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.checkout import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

FORMAT: Any = nbformat  # published without the types of its functions
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shown(cell: Any) -> str:
    """Give everything that a cell shows: streams, texts and HTML."""
    parts = [output.get("text", "") for output in cell.outputs]
    parts += [str(part) for output in cell.outputs for part in output.get("data", {}).values()]
    return "\n".join(parts)


async def test_the_how_to_runs_as_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Top-level await works, progress writes below its cell, and tasks and outcomes show themselves."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    page = (ROOT / "docs" / "howto" / "notebooks.md").read_text("utf-8")
    cells = [FORMAT.v4.new_code_cell(code) for code in CODE.findall(page)]
    notebook = FORMAT.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, timeout=50, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    await client.async_execute()
    _, waited, ran, many, pictures, _ = map(shown, cells)
    assert "accepted as cgt-" in waited
    assert "succeeded</b>" in waited
    assert '<video src="data:video/mp4;base64,' in ran
    assert "landed" in ran
    assert "dawn" in many
    assert '<video src="data:video/mp4;base64,' in many
    assert "data:image/svg+xml;base64," in pictures
    assert (tmp_path / "videos" / "index.html").is_file()
    assert (tmp_path / "videos" / "night.mp4").is_file()
    assert "any-key" not in "".join(map(shown, cells))
    assert "X-Tos-Signature" not in FORMAT.writes(notebook)
