"""``python -m seedance_async.cli`` is ``seedance``."""

from __future__ import annotations

from seedance_async.cli import main

if __name__ == "__main__":
    main()
