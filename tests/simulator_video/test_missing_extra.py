"""Without the extra the package imports, serves the ready-made clip, and says how to get the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from seedance_async.simulator.video import RendererMissing, render_clip, render_still
from tests.simulator_video.helpers import small_clip


def test_importing_needs_neither_package() -> None:
    """Neither importing nor the packaged clip touches PyAV or Pillow."""
    program = (
        "import sys; from seedance_async.simulator import video; video.packaged_clip(); "
        "video.Clip(prompt='', width=64, height=64, seconds=1); "
        "print(sorted({'av', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("package", ["av", "PIL"])
def test_a_missing_package_is_named_with_its_cure(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering without PyAV or Pillow raises an ImportError that says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    for render in (render_clip, render_still):
        with pytest.raises(RendererMissing, match=r'pip install "seedance-async\[simulator\]"') as raised:
            render(small_clip())
        assert isinstance(raised.value, ImportError)
        assert raised.value.name == package
