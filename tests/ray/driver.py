"""A pipeline that may be killed at any moment: ``python driver.py ADDRESS SETTINGS``, the latter being JSON.

It writes one JSON line per row to standard output.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from typing import Any

from seedance_async import AccountLimits, PollPolicy, RetryPolicy, Timeouts
from seedance_async.ext.ray import generate_videos


def main(address: str, settings: dict[str, Any]) -> None:
    """Run the pipeline on a cluster."""
    ray: Any = import_module("ray")
    ray.init(address, logging_level=logging.ERROR, log_to_driver=settings.get("log", False))
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = [
        {"key": f"job-{index}", "text": f"prompt {index}", "note": index} for index in range(settings["jobs"])
    ]
    videos = generate_videos(
        ray.data.from_items(rows + settings.get("more", [])),
        save_to=settings["save_to"],
        claims=settings.get("claims"),
        fields={"key": "key", "prompt": "text", "duration": "seconds"},
        defaults={"duration": 4},
        limits=AccountLimits(**settings.get("limits", {})),
        workers=settings.get("workers", 2),
        concurrency=settings.get("concurrency", 16),
        batch_size=settings.get("batch_size", 4),
        lease=settings.get("lease", 6.0),
        timeouts=Timeouts(request=5.0, connect=2.0),
        retry=RetryPolicy(wait_initial=0.05, wait_max=0.5, settling=1.0, looks=2),
        poll=PollPolicy(interval=0.5, max_interval=1.0),
    )
    for row in videos.iter_rows():
        print(json.dumps(row), flush=True)  # noqa: T201 - it is what this program is asked for


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
