"""Prompts in, videos and rows out: ``python ray_pipeline.py PROMPTS FOLDER``.

PROMPTS is a file of JSON Lines or Parquet, or a folder of them, on disk or in a bucket; FOLDER likewise.
"""

from __future__ import annotations

import sys

import ray

from seedance_async import AccountLimits
from seedance_async.ext.ray import generate_videos


def main(prompts: str, folder: str) -> None:
    """Make a video of every prompt, and show what became of them."""
    read = ray.data.read_parquet if prompts.endswith(".parquet") else ray.data.read_json
    videos = generate_videos(
        read(prompts),
        save_to=f"{folder}/videos",
        claims=f"{folder}/claims",
        defaults={"resolution": "480p", "duration": 4},
        limits=AccountLimits.enterprise(),
    )
    # The next step of the pipeline goes here: videos.map_batches(Captioner, ...).
    videos.write_parquet(f"{folder}/rows", mode="overwrite")
    rows = ray.data.read_parquet(f"{folder}/rows").to_pandas()
    print(rows[["key", "state", "tokens", "uri", "error"]].to_string(max_rows=20, max_colwidth=60))
    print(rows["state"].value_counts().to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
