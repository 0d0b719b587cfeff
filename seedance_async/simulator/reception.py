"""The reception: who asks, for what, and in which words the answer is given.

Nothing goes wrong here: keys, sizes and rates are checked, the desk does the work, and the dialect of the
route words what came of it.
"""

from __future__ import annotations

from email.utils import formatdate
from math import ceil
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from seedance_async.simulator.auth import check_key
from seedance_async.simulator.dialects import Dialect, dialect_at
from seedance_async.simulator.downloads import download
from seedance_async.simulator.exchange import JSON_HEADERS, SimAnswer, SimRequest
from seedance_async.simulator.jsons import encode
from seedance_async.simulator.quotas import check_calls
from seedance_async.simulator.refusals import Refusal, request_id

if TYPE_CHECKING:
    from random import Random

    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.desk import Desk
    from seedance_async.simulator.requestlog import RequestLog
    from seedance_async.simulator.routes import Route

_MAX_BODY = 64 * 1024 * 1024
_NOT_FOUND = Refusal(status=404, code="PathNotFound", message="The requested path does not exist.")
_NO_LIST = Refusal(status=404, code="PathNotFound", message="Listing is not supported here.")
_NO_DELETE = Refusal(status=404, code="PathNotFound", message="Deleting is not supported here.")


@define(kw_only=True, eq=False)
class Reception:
    """Answers requests as the server does on a good day.

    Args:
        desk: Does the work.
        log: Hears of leaked keys.
        random: Draws request ids.
        api_key: The only key that is accepted; None: any.
    """

    desk: Desk
    log: RequestLog
    random: Random
    api_key: str | None = field(default=None, repr=False)

    def answer(self, request: SimRequest, route: Route, now: float) -> SimAnswer:
        """Answer or refuse."""
        self.desk.world.advance(now)
        name = self._request_id(now)
        headers = self._headers(name, now)
        try:
            if route.name == "video":
                file = download(self.desk, self.log, request, route.subject, now)
                return evolve(file, headers={**headers, **file.headers})
            return SimAnswer(status=200, headers=headers, body=self._called(request, route, name, now))
        except Refusal as refusal:
            return self._refused(refusal, dialect_at(route.prefix, self._behaviour), name, now)

    def promise(self, route: Route, now: float) -> SimAnswer:
        """The answer to a create or a delete that has no effect: the id is that of no task."""
        dialect = dialect_at(route.prefix, self._behaviour)
        phantom = self.desk.new_id(now, flex=False, id_prefix=dialect.id_prefix)
        body = encode(dialect.created(phantom)) if route.name == "create" else b"{}"
        return SimAnswer(status=200, headers=self._headers(self._request_id(now), now), body=body)

    @property
    def _behaviour(self) -> Behaviour:
        return self.desk.world.behaviour

    def _request_id(self, now: float) -> str:
        return request_id(self.desk.clock.wall(now), self.random)

    def _headers(self, name: str, now: float) -> dict[str, str]:
        return {"Date": self.desk.clock.http_date(now), "x-request-id": name, **JSON_HEADERS}

    def _called(self, request: SimRequest, route: Route, name: str, now: float) -> bytes:
        """Carry out a call of the API.

        Raises:
            Refusal: Whatever the server says no to.
        """
        desk, behaviour = self.desk, self._behaviour
        if not route.name:
            raise _NOT_FOUND
        if len(request.body) > _MAX_BODY:
            message = "The request body is over 64 MB."
            raise Refusal(status=behaviour.too_large_status, code=behaviour.too_large_code, message=message)
        check_key(request.headers.get("authorization"), self.api_key)
        check_calls(desk.world.quotas, desk.meter, route.name, now, behaviour.calls_code)
        dialect = dialect_at(route.prefix, behaviour)
        if route.name == "create":
            task = desk.create(
                request, prefix=route.prefix, id_prefix=dialect.id_prefix, request_id=name, now=now
            )
            return encode(dialect.created(task.id))
        if route.name == "get":
            return encode(dialect.record(desk.get(route.subject, now)))
        return self._optional(request, route, dialect, now)

    def _optional(self, request: SimRequest, route: Route, dialect: Dialect, now: float) -> bytes:
        """The two calls that not every gateway has."""
        behaviour = self._behaviour
        if route.name == "list":
            if not (dialect.lists and behaviour.list_supported):
                raise _NO_LIST
            return encode(self.desk.list(request, now))
        if not (dialect.deletes and behaviour.delete_supported):
            raise _NO_DELETE
        self.desk.delete(route.subject, now)
        return behaviour.delete_answers.encode()

    def _refused(self, refusal: Refusal, dialect: Dialect, name: str, now: float) -> SimAnswer:
        """An error answer in the words of the dialect."""
        status, body = dialect.error(refusal, name)
        headers = self._headers(name, now)
        if refusal.error_code:
            headers["x-error-code"] = refusal.error_code
        wait, form = refusal.retry_after, self._behaviour.retry_after
        if wait is not None and form == "seconds":
            headers["Retry-After"] = str(max(1, ceil(wait)))
        elif wait is not None and form == "date":
            headers["Retry-After"] = formatdate(ceil(self.desk.clock.wall(now) + wait), usegmt=True)
        return SimAnswer(status=status, headers=headers, body=encode(body))
