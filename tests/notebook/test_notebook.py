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
NAMED = """
with Progress(total=1) as progress:
    progress.say("<b>said")
    await session.submit("<script>", key="<i>mine", duration=4)
    progress.note(outcomes[0])
"""


def shown(cell: Any) -> str:
    """Give everything that a cell shows: streams, texts and HTML."""
    parts = [output.get("text", "") for output in cell.outputs]
    parts += [str(part) for output in cell.outputs for part in output.get("data", {}).values()]
    return "\n".join(parts)


def drawn(cell: Any) -> list[Any]:
    """Give what a cell shows beside its result: the data of each output that may be drawn over."""
    return [output.data for output in cell.outputs if output.output_type == "display_data"]


async def test_the_how_to_runs_as_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Top-level await works, progress is drawn over below its cell, tasks and outcomes show themselves."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    page = (ROOT / "docs" / "howto" / "notebooks.md").read_text("utf-8")
    *codes, closing = CODE.findall(page)
    cells = [FORMAT.v4.new_code_cell(code) for code in (*codes, NAMED, closing)]
    notebook = FORMAT.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, timeout=50, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    await client.async_execute()
    _, waited, ran, many, pictures, named, _ = map(shown, cells)
    assert "accepted as cgt-" in waited
    assert "succeeded</b>" in waited
    assert '<video src="data:video/mp4;base64,' in ran
    assert "landed" in ran
    assert "accepted" in drawn(cells[2])[0]["text/plain"].splitlines()[0]
    assert [[data["text/plain"].splitlines()[-1] for data in drawn(cell)] for cell in cells[1:4]] == [
        ["1 succeeded"],
        ["2 succeeded"],
        ["4 succeeded"],
    ]
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "stream"]
    assert "&lt;b&gt;said" in named
    assert not re.search("<[bi]>", "".join(data["text/html"] for data in drawn(cells[5])))
    assert "1/1" in named
    assert "dawn" in many
    assert '<video src="data:video/mp4;base64,' in many
    assert "data:image/svg+xml;base64," in pictures
    assert (tmp_path / "videos" / "index.html").is_file()
    assert (tmp_path / "videos" / "night.mp4").is_file()
    assert "any-key" not in "".join(map(shown, cells))
    assert "X-Tos-Signature" not in FORMAT.writes(notebook)
