"""A worker as a program: ``python -m seedance_async.ext.procrastinate --save-to out/``.

The database, the key and the address of the API come from the environment (DATABASE_URL, SEEDANCE_API_KEY,
SEEDANCE_BASE_URL).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

from seedance_async.errors import SeedanceError
from seedance_async.ext.procrastinate.service import Service
from seedance_async.settings import AccountLimits

if TYPE_CHECKING:
    from collections.abc import Sequence


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    usual = AccountLimits()
    parser = argparse.ArgumentParser(prog="python -m seedance_async.ext.procrastinate", description=__doc__)
    # A password on a command line can be read by every user of the machine: better in the environment.
    given = os.environ.get("DATABASE_URL", "postgresql://")
    parser.add_argument(
        "dsn", nargs="?", default=given, help="the database; else DATABASE_URL, else PGHOST..."
    )
    parser.add_argument("--save-to", help="folder that all workers see, or s3://bucket/folder")
    parser.add_argument("--concurrency", type=int, default=100, help="jobs in hand at once")
    parser.add_argument(
        "--lease", type=float, default=30.0, help="seconds after which a worker counts as dead"
    )
    parser.add_argument("--until-empty", action="store_true", help="end when no job is left")
    for name in ("creates_per_minute", "max_alive", "gets_per_second", "lists_per_second"):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=float, default=getattr(usual, name), metavar="N",
            help="limit of the account, all workers together",
        )  # fmt: skip
    return parser.parse_args(words)


async def _work(asked: argparse.Namespace) -> None:
    """Work as asked."""
    limits = AccountLimits(
        creates_per_minute=asked.creates_per_minute,
        max_alive=asked.max_alive,
        gets_per_second=asked.gets_per_second,
        lists_per_second=asked.lists_per_second,
    )
    async with Service(asked.dsn, limits=limits, lease=asked.lease) as service:
        await service.work(
            save_to=asked.save_to,
            concurrency=asked.concurrency,
            until_empty=asked.until_empty,
            signals=True,
        )


def main(words: Sequence[str] | None = None) -> int:
    """Work until the end, or until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Every request of every job is an event; a worker's log tells of workers and jobs.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    try:
        asyncio.run(_work(_arguments(words)))
    except SeedanceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
