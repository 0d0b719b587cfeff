"""From a dataset of prompts to a dataset of videos, on a cluster."""

from __future__ import annotations

import math
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from seedance_async.errors import InvalidRequest
from seedance_async.ext.ray.library import load_ray
from seedance_async.ext.ray.limiter import limiter_for
from seedance_async.ext.ray.maker import Maker, Order
from seedance_async.ext.ray.rows import check_columns
from seedance_async.media.targets import aim_of
from seedance_async.settings import AccountLimits, PollPolicy, RetryPolicy, Timeouts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

__all__ = ["generate_videos", "pool_of"]

_STORES: Final = ("s3://", "gs://", "az://", "file://", "postgresql://", "postgres://")
_USUAL_CPUS: Final = 0


def generate_videos(
    dataset: Any,
    *,
    save_to: str | os.PathLike[str] | None,
    claims: str | os.PathLike[str] | None = None,
    fields: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    limits: AccountLimits | None = None,
    account: str = "default",
    workers: int | None = None,
    concurrency: int = 64,
    batch_size: int = 8,
    retry_failed: bool = False,
    lease: float = 30.0,
    base_url: str | None = None,
    api_key: Callable[[], str] | None = None,
    timeouts: Timeouts | None = None,
    retry: RetryPolicy | None = None,
    poll: PollPolicy | None = None,
    **ray_remote_args: Any,
) -> Any:
    """Make a video of each row of a Ray dataset, when the dataset is consumed.

    Long-lived actors submit, watch and land; one limiter on the head node keeps the account's limits over all
    of them. Each row comes back with the columns ``key``, ``state`` (a value of ``OutcomeKind``),
    ``task_id``, ``tokens``, ``uri`` and ``error`` added to its own. Whatever goes wrong with a row is said in
    the row.

    Every job is claimed in a store that all machines see before it is paid for. Run the same pipeline again,
    after any crash, and finished rows come back at once, tasks that are alive are waited for, and what nobody
    knows is looked for before anything is sent. Two rows of one key, or equal rows without a key, are one
    job.

    The API key is read on the workers: from their environment (``SEEDANCE_API_KEY``, else ``ARK_API_KEY``),
    or from ``api_key``. It is never part of the dataset or its plan.

    Args:
        dataset: a ``ray.data.Dataset``. Each row asks for one video.
        save_to: a folder, an address in an object store (``s3://bucket/folder``), or either with a template
            as its last part: ``{key}`` or ``{task_id}``; None downloads nothing.
        claims: ``s3://``, ``gs://``, ``az://`` or ``postgresql://``, or a folder that all machines share;
            None takes the folder ``claims`` below ``save_to``.
        fields: the column of each field of :class:`VideoRequest`, and of ``key``; None takes every column
            that is named like a field.
        defaults: fields for rows that do not set them.
        limits: what the account may do, over the whole cluster.
        account: names the account on this cluster, where several are used.
        workers: actors; None takes one per node that is alive now.
        concurrency: rows that one worker has in hand.
        batch_size: rows of one call of a worker; the slowest one holds back the others.
        retry_failed: submit again what failed in an earlier run; costs again.
        lease: seconds without a sign of life after which a worker's claims may be taken over.
        base_url: address of the API; None takes that of the workers' environment.
        api_key: called on each worker for its key; None takes it from the environment.
        timeouts: see :class:`Timeouts`.
        retry: see :class:`RetryPolicy`.
        poll: see :class:`PollPolicy`.
        **ray_remote_args: for the actors (``num_cpus``, 0 by default: they mostly wait; ``resources``...).

    Returns:
        A ``ray.data.Dataset``.

    Raises:
        MissingExtra: Ray is not installed.
        InvalidRequest: an argument is not valid, or the cluster's limiter has other limits for the account.
    """
    order = Order(
        save_to=_place(save_to),
        claims=_claims(claims, save_to),
        lease=lease,
        account=account,
        base_url=base_url,
        api_key=_reader(api_key),
        timeouts=timeouts or Timeouts(),
        retry=retry or RetryPolicy(),
        poll=poll or PollPolicy(),
        limits=_alone(limits or AccountLimits()),
        at_once=_whole("concurrency", concurrency),
        fields=check_columns(fields),
        defaults=dict(defaults or {}),
        retry_failed=retry_failed,
    )
    return _mapped(dataset, order, ray_remote_args, rows=_whole("batch_size", batch_size), workers=workers)


def _mapped(
    dataset: Any, order: Order, ray_remote_args: Mapping[str, Any], *, rows: int, workers: int | None
) -> Any:
    """Add the step to the dataset: blocks of a few rows, each block one call of a worker."""
    ray = load_ray()
    alive = sum(1 for node in ray.nodes() if node["Alive"]) if workers is None else workers
    calls = math.ceil(order.at_once / rows) + 1
    pool, more = pool_of(ray.data.ActorPoolStrategy, size=_whole("workers", alive), calls=calls)
    return dataset.repartition(target_num_rows_per_block=rows).map_batches(
        Maker,
        fn_constructor_args=(order, limiter_for(order.account, order.limits)),
        batch_format="pyarrow",
        batch_size=None,
        compute=pool,
        **{"num_cpus": _USUAL_CPUS, **more, **ray_remote_args},
    )


def pool_of(strategy: Any, *, size: int, calls: int) -> tuple[Any, dict[str, Any]]:
    """Give a pool whose actors take so many calls at once, and what else says so to this Ray.

    Ray 2.60 has an argument for it and announces the end of the older way.
    """
    usual = {"size": size, "max_tasks_in_flight_per_actor": calls + 1}
    if "max_concurrent_calls_per_actor" in signature(strategy).parameters:
        return strategy(**usual, max_concurrent_calls_per_actor=calls), {}
    return strategy(**usual), {"max_concurrency": calls}


def _place(save_to: str | os.PathLike[str] | None) -> str | None:
    """Make a folder absolute here: a worker's working directory is Ray's own."""
    if save_to is None:
        return None
    text = str(save_to)
    aim_of(text)  # a template that is none is refused before anything is paid
    return text if "://" in text else str(Path(text).absolute()) + ("/" if text.endswith("/") else "")


def _claims(claims: str | os.PathLike[str] | None, save_to: str | os.PathLike[str] | None) -> str:
    """Give the address of the store of claims.

    Raises:
        InvalidRequest: there is none, or it is not one that machines can share.
    """
    if claims is None and save_to is None:
        raise InvalidRequest(field="claims", value=None, limit="must be given where nothing is saved")
    text = str(claims) if claims is not None else f"{aim_of(str(save_to)).folder.rstrip('/')}/claims"
    if "://" not in text:
        return Path(text).absolute().as_uri()
    if not text.startswith(_STORES):
        limit = f"must be a folder, or start with one of {', '.join(_STORES)}"
        raise InvalidRequest(field="claims", value=text.partition("://")[0], limit=limit)
    return text


def _alone(limits: AccountLimits) -> AccountLimits:
    """Take limits that are plain numbers.

    Raises:
        InvalidRequest: they come with a limiter: here the cluster's own is used.
    """
    if limits.shared is not None:
        raise InvalidRequest(field="limits", value=limits, limit="must be without shared")
    return limits


def _reader(api_key: object) -> Any:
    """Take what reads the key on a worker.

    Raises:
        InvalidRequest: it is the key itself, which would lie in clear in Ray's store and logs.
    """
    if api_key is None or callable(api_key):
        return api_key
    # The value stays out of the message: it is a secret.
    limit = "must be a function that reads the key on the worker; or set SEEDANCE_API_KEY on all machines"
    raise InvalidRequest("api_key is not valid", field="api_key", limit=limit)


def _whole(name: str, value: object) -> int:
    """Take a whole number from 1 up."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequest(field=name, value=value, limit="must be a whole number from 1 up")
    return value
