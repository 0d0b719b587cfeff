"""Pipelines on Ray Data (extra ``ray``): prompts of any dataset become videos in a bucket, and rows.

::

    import ray
    from seedance_async.ext.ray import generate_videos

    prompts = ray.data.read_parquet("s3://bucket/prompts")
    videos = generate_videos(prompts, save_to="s3://bucket/videos")
    videos.write_parquet("s3://bucket/rows")

It runs on a cluster of your own. All machines need this package and the API key in their environment, and no
service of ours runs anywhere.
"""

from __future__ import annotations

from seedance_async.ext.ray.pipeline import generate_videos

__all__ = ["generate_videos"]
