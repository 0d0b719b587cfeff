"""A service that takes prompts for weeks: queue, claims and limits in one PostgreSQL (extra ``postgres``).

Jobs are put into the queue by anybody and carried out by workers on many machines, which come and go::

    async with Service("postgresql://seedance@localhost/seedance") as service:
        await service.submit("cat", {"prompt": "a cat surfing"})     # your application
        await service.work(save_to="out/")                           # a worker, on this or another machine
        row = await service.row("cat")                               # what became of it, at any time

procrastinate hands a job out at least once; the claims see to it that it is paid for once. What a dead worker
had in hand is handed out again, and the task of a POST whose answer it did not live to see is looked for.
"""

from __future__ import annotations

from seedance_async.errors import MissingExtra

try:
    from seedance_async.ext.procrastinate.limiter import PostgresLimiter
    from seedance_async.ext.procrastinate.service import Service
except ModuleNotFoundError as error:
    if str(error.name).partition(".")[0] not in {"procrastinate", "psycopg", "psycopg_pool"}:
        raise
    raise MissingExtra("A service on PostgreSQL", extra="postgres") from None

__all__ = ["PostgresLimiter", "Service"]
