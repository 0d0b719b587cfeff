"""The API without I/O: values to requests, answers to values or errors. No asyncio, no aiohttp.

Routes: api docs 1520757 (create), 1521309 (get), 1521675 (list), 1521720 (delete).
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, quote_plus

from seedance_async._wire.exchange import Route, WireRequest, WireResponse
from seedance_async._wire.folding import SUCCESS_CODES, fold, fold_all, is_wrapper, to_task
from seedance_async._wire.refusals import Said, error_of
from seedance_async._wire.shapes import as_list, as_object, decoded
from seedance_async.errors import AnswerUnreadable, Billed, InvalidRequest, SeedanceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seedance_async.models import VideoTask

__all__ = [
    "AND_ID", "CREATE", "DELETE", "GET", "LIST",
    "build_create", "build_delete", "build_get", "build_list",
    "check_task_id", "is_plain", "read_created", "read_deleted", "read_items", "read_page", "read_record",
]  # fmt: skip

_LONGEST_ID = 256
_OK = range(200, 300)
_SHOWN = 500
_MOST_PAGES = 500
_PLAIN = f"{string.ascii_letters}{string.digits}-".encode()
_encode = json.JSONEncoder(ensure_ascii=False).encode


AND_ID = "&filter.task_ids="
"""What goes before each id in the query of a list."""
_TASKS = "/contents/generations/tasks"
CREATE = Route(name="create", method="POST", path=_TASKS, repeatable=False, paid=True)
GET = Route(name="get", method="GET", path=f"{_TASKS}/{{id}}", repeatable=True)
LIST = Route(name="list", method="GET", path=_TASKS, repeatable=True)
# A repeated DELETE can turn "cancel" into "erase the paid result": it is decided anew each time.
DELETE = Route(name="delete", method="DELETE", path=f"{_TASKS}/{{id}}", repeatable=False)


def check_task_id(task_id: object) -> str:
    """Refuse what can never be an id and would reach another route; raises InvalidRequest."""
    limit = "must be the id of a task, as the server gave it"
    if not isinstance(task_id, str) or not task_id.strip() or len(task_id) > _LONGEST_ID:
        raise InvalidRequest(field="task_id", value=task_id, limit=limit)
    if task_id in {".", ".."} or not task_id.isprintable():
        raise InvalidRequest(field="task_id", value=task_id, limit=limit)
    return task_id


def build_create(body: Mapping[str, Any]) -> WireRequest:
    """Order a video: the paid POST."""
    return WireRequest(route=CREATE, path=CREATE.path, body=_encode(body).encode())


def build_get(task_id: str) -> WireRequest:
    """Look at one task."""
    return WireRequest(route=GET, path=_with_id(GET, task_id))


def build_delete(task_id: str) -> WireRequest:
    """Cancel a queued task, or erase the record of one that ended; the server decides which."""
    return WireRequest(route=DELETE, path=_with_id(DELETE, task_id))


def build_list(
    *,
    status: str | None = None,
    task_ids: Sequence[str] = (),
    model: str | None = None,
    service_tier: str | None = None,
    page_num: int = 1,
    page_size: int = 20,
) -> WireRequest:
    """List tasks of the last 7 days; ``filter.task_ids`` is repeated, one id each.

    Raises:
        InvalidRequest: a page number or size is not from 1 to 500 (api docs 1521675), a filter is no word,
            or the ids are no list.
    """
    _check_page("page_num", page_num)
    _check_page("page_size", page_size)
    filters = (("status", status), ("model", model), ("service_tier", service_tier))
    query = f"page_num={page_num}&page_size={page_size}"
    for name, value in filters:
        if value is not None:
            query += f"&filter.{name}={quote_plus(_word(name, value))}"
    return WireRequest(route=LIST, path=LIST.path, query=AND_ID.join([query, *_quoted(_ids(task_ids))]))


def _check_page(name: str, value: int) -> None:
    """Refuse a page number or size that the server would refuse."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_PAGES:
        raise InvalidRequest(field=name, value=value, limit=f"must be a whole number from 1 to {_MOST_PAGES}")


def _word(name: str, value: object) -> str:
    """Refuse a filter that is no word; the server would read an empty one as none at all."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InvalidRequest(field=name, value=value, limit="must be a string that is not blank, or None")
    return value


def _ids(task_ids: object) -> Iterable[str]:
    """Refuse a single id where a list belongs: its letters would be looked for one by one."""
    if isinstance(task_ids, str | bytes) or not isinstance(task_ids, Iterable):
        raise InvalidRequest(field="task_ids", value=task_ids, limit="must be a list of task ids")
    return cast("Iterable[str]", task_ids)


def _quoted(task_ids: Iterable[str]) -> list[str]:
    """Check and quote many ids: hundreds go into a list of the watcher, and all ever seen are plain."""
    ids = list(task_ids)
    return ids if _are_plain(ids) else [quote_plus(check_task_id(task_id)) for task_id in ids]


def _are_plain(ids: list[str]) -> bool:
    """Whether all of them are made of letters, digits and hyphens, and none is empty or too long."""
    if {*map(type, ids)} != {str}:
        return False
    lengths = {*map(len, ids)}
    return 0 < min(lengths) <= max(lengths) <= _LONGEST_ID and is_plain("".join(ids))


def is_plain(text: str) -> bool:
    """Whether a text is made of letters, digits and hyphens alone, which no URL quotes."""
    return not text.encode("ascii", "replace").translate(None, _PLAIN)


def _with_id(route: Route, task_id: str) -> str:
    """Put an id into a path, quoted whole: a slash in it stays a part of the id."""
    return route.path.replace("{id}", quote(check_task_id(task_id), safe=""))


def read_created(response: WireResponse) -> VideoTask:
    """Read the answer to a create: a task with an id, or an error that says whether it may bill."""
    record = _record(CREATE, response)
    if not _is_id(record.get("id")):
        raise _unreadable(CREATE, response, "it holds no task id")
    return to_task(record)


def _is_id(value: object) -> bool:
    """Tell a word or a number from what can be no id, and could never be asked for."""
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, int) and not isinstance(value, bool) and value != 0


def read_record(response: WireResponse) -> dict[str, Any]:
    """Read one task as a record under Ark's names (not parsed yet: an unchanged one needs no parsing)."""
    record = _record(GET, response)
    if not (record.get("id") or record.get("status")):
        raise _unreadable(GET, response, "it holds neither an id nor a status")
    return record


def read_page(response: WireResponse) -> tuple[list[dict[str, Any]], int | None]:
    """Read a page: its records under Ark's names, and the total over all pages where the server says it."""
    items, total = read_items(response)
    return fold_all(items), total


def read_items(response: WireResponse) -> tuple[list[Any], int | None]:
    """Read a page as far as its items, which are left as they are, and the total."""
    payload = _payload(LIST, response)
    inner = payload.get("data") if is_wrapper(payload) else None
    source = as_object(inner) or payload
    items = as_list(source.get("items", inner))
    if items is None:
        raise _unreadable(LIST, response, "it holds no list of items")
    total = source.get("total")
    return items, total if isinstance(total, int) and not isinstance(total, bool) else None


def read_deleted(response: WireResponse) -> None:
    """Read the answer to a delete: any success status will do, its body may be empty (api docs 1521720)."""
    if response.status in _OK and not response.body.strip():
        return
    _payload(DELETE, response)


def _record(route: Route, response: WireResponse) -> dict[str, Any]:
    """Give the folded record of a good answer; raise on all others."""
    return fold(_payload(route, response))


def _payload(route: Route, response: WireResponse) -> dict[str, Any]:
    """Give the JSON object of a good answer; raise the typed error of all others."""
    payload = as_object(decoded(response.body))
    if response.status not in _OK:
        raise _error(route, response, payload)
    if payload is None:
        raise _unreadable(route, response, "it is not a JSON object")
    if _says_error(payload):
        raise _error(route, response, payload)
    return payload


def _says_error(payload: Mapping[str, Any]) -> bool:
    """True for an error wrapper under a success status; a failed task carries an id beside its error."""
    if "id" in payload or "task_id" in payload or "items" in payload:
        return False
    if payload.get("error"):
        return True
    inner = as_object(payload.get("data")) or {}
    if _is_id(inner.get("task_id")) or _is_id(inner.get("id")):
        return False  # whatever the wrapper's word for "good": a refused order is given no id
    return "code" in payload and payload["code"] not in SUCCESS_CODES


def _error(route: Route, response: WireResponse, payload: dict[str, Any] | None) -> SeedanceError:
    """Build the typed error of an error answer."""
    return error_of(Said.of(response, payload), paid=route.paid, by_id=route in {GET, DELETE})


def _unreadable(route: Route, response: WireResponse, why: str) -> AnswerUnreadable:
    """A success status that says nothing: on the paid route it may have created a task."""
    return AnswerUnreadable(
        f"The answer to {route.name} (HTTP {response.status}) cannot be read: {why}.",
        status=response.status,
        body=response.body[:_SHOWN].decode(errors="replace"),
        billed=Billed.MAYBE if route.paid else Billed.NO,
    )
