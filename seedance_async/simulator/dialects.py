"""How each gateway words the same facts (samples: docs of kkiai, new-api and crazyrouter)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import frozen

from seedance_async.simulator.jsons import as_object, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.refusals import Refusal

Record = dict[str, object]

_NEW_API_STATUS = {
    "queued": "SUBMITTED",
    "running": "IN_PROGRESS",
    "succeeded": "SUCCESS",
    "failed": "FAILURE",
}
_PROGRESS = {"queued": "10%", "running": "50%", "succeeded": "100%", "failed": "100%"}
_NEW_API_BALANCE = {
    "message": "用户额度不足",
    "type": "new_api_error",
    "param": "",
    "code": "insufficient_user_quota",
}
_CRAZY_STATUS = {
    "queued": "SUBMITTED",
    "running": "PROCESSING",
    "succeeded": "SUCCESS",
}


def _ark_error(refusal: Refusal, request_id: str) -> tuple[int, Record]:
    message = f"{refusal.message} Request id: {request_id}"
    error = {"code": refusal.code, "message": message, "param": refusal.param, "type": refusal.type}
    return refusal.status, {"error": error}


def _same(record: Record) -> Record:
    return record


def _ark_created(task_id: str) -> Record:
    return {"id": task_id}


def _kkiai_created(task_id: str) -> Record:
    return {"id": task_id, "status": "submitted"}


def _new_api_created(task_id: str) -> Record:
    return {"code": "success", "message": "", "data": {"task_id": task_id}}


def _new_api_record(record: Record) -> Record:
    """The upstream body inside the gateway's; statuses that it does not know stay IN_PROGRESS for ever."""
    status = str(record["status"])
    error = as_object(record.get("error")) or {}
    content = as_object(record.get("content")) or {}
    finished = record["updated_at"] if status in ("succeeded", "failed") else 0
    data: Record = {
        "task_id": record["id"],
        "action": "generate",
        "status": _NEW_API_STATUS.get(status, "IN_PROGRESS"),
        "fail_reason": error.get("message", ""),
        "submit_time": record["created_at"],
        "start_time": 0 if status == "queued" else record["created_at"],
        "finish_time": finished,
        "progress": _PROGRESS.get(status, "30%"),
        "data": record,
    }
    if "video_url" in content:
        data["result_url"] = content["video_url"]
    return {"code": "success", "message": "", "data": data}


def _new_api_error(refusal: Refusal, request_id: str) -> tuple[int, Record]:
    """Auth, balance and routing have an error object; the rest is flat, and an unknown task is a 400."""
    if refusal.code == "AccountOverdueError":
        return 403, {"error": {**_NEW_API_BALANCE}}
    if refusal.status == HTTPStatus.UNAUTHORIZED or refusal.code.startswith(
        ("InvalidEndpointOrModel", "ModelNotOpen")
    ):
        return _new_api_layer(refusal, request_id)
    if refusal.status == HTTPStatus.NOT_FOUND:
        return 400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}
    text = encode(_ark_error(refusal, request_id)[1]).decode()
    return refusal.status, {"code": "fail_to_fetch_task", "message": text, "data": None}


def _new_api_layer(refusal: Refusal, request_id: str) -> tuple[int, Record]:
    known = refusal.status == HTTPStatus.UNAUTHORIZED
    text = "Invalid token" if known else "No available channel for model under group default (distributor)"
    error = {
        "message": f"{text} (request id: {request_id})",
        "type": "new_api_error",
        "param": "",
        "code": "" if known else "model_not_found",
    }
    return (401 if known else 503), {"error": error}


def _crazy_created(task_id: str) -> Record:
    return {"code": 0, "message": "success", "data": {"task_id": task_id}}


def _crazy_record(record: Record) -> Record:
    content = as_object(record.get("content")) or {}
    data: Record = {
        "task_id": record["id"],
        "status": _CRAZY_STATUS.get(str(record["status"]), "FAILED"),
    }
    if content:
        data["content"] = {"video_url": content.get("video_url"), "duration": record.get("duration")}
    return {"code": 0, "message": "success", "data": data}


def _crazy_error(refusal: Refusal, request_id: str) -> tuple[int, Record]:
    return refusal.status, {
        "code": refusal.status,
        "message": f"{refusal.message} ({request_id})",
        "data": None,
    }


@frozen(kw_only=True)
class Dialect:
    """The words of one gateway.

    Args:
        created: The answer to a create.
        record: The answer to a get, from Ark's record.
        error: Status and body of a refusal.
        lists: Whether it lists.
        deletes: Whether it cancels and deletes.
        id_prefix: What it puts in place of Ark's own ids; nothing: the upstream id is passed through.
    """

    created: Callable[[str], Record] = _ark_created
    record: Callable[[Record], Record] = _same
    error: Callable[[Refusal, str], tuple[int, Record]] = _ark_error
    lists: bool = True
    deletes: bool = True
    id_prefix: str = ""


DIALECTS: Mapping[str, Dialect] = {
    "ark": Dialect(),
    "kkiai": Dialect(created=_kkiai_created),
    "newapi": Dialect(
        created=_new_api_created,
        record=_new_api_record,
        error=_new_api_error,
        lists=False,
        deletes=False,
        id_prefix="asyntask_",
    ),
    "crazyrouter": Dialect(
        created=_crazy_created,
        record=_crazy_record,
        error=_crazy_error,
        lists=False,
        deletes=False,
        id_prefix="volc_task_",
    ),
}
"""Dialects by the name used in `Behaviour.mounts`."""


def dialect_at(prefix: str, behaviour: Behaviour) -> Dialect:
    """The dialect that the routes under a prefix speak."""
    return DIALECTS[behaviour.mounts.get(prefix, "ark")]
