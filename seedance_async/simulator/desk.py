"""The four API calls on tasks, in Ark's own words: create, get, list, delete."""

from __future__ import annotations

import re
from string import ascii_lowercase, digits
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.simulator.behaviour import DAY
from seedance_async.simulator.listing import page_of, read_query
from seedance_async.simulator.quotas import Meter, check_account, check_create
from seedance_async.simulator.records import record_of
from seedance_async.simulator.refusals import Refusal
from seedance_async.simulator.tasks import SimTask, Status
from seedance_async.simulator.validation import Examiner

if TYPE_CHECKING:
    from random import Random

    from seedance_async.simulator.behaviour import Behaviour
    from seedance_async.simulator.clock import SimClock
    from seedance_async.simulator.exchange import SimRequest
    from seedance_async.simulator.links import Signer
    from seedance_async.simulator.moderation import Moderation
    from seedance_async.simulator.order import Order
    from seedance_async.simulator.world import World

_LETTERS = ascii_lowercase + digits
_INLINE = re.compile(rb'("data:[a-z]+/[^;,"]{1,32};base64,)[A-Za-z0-9+/=\\]{64,}')
_FOLD_ABOVE = 4096
_DRAFT_KEPT = 7 * DAY


@define(kw_only=True, eq=False)
class Desk:
    """Works on the tasks of a world.

    Args:
        world: The tasks.
        clock: The wall clock.
        moderation: Words in prompts.
        meter: Counts of the last minutes.
        random: Draws ids and seeds.
        signer: Signs video URLs.
        keep_pictures: Keep inline first frames for the renderer.
        origin: Scheme, host and port of the video URLs.
    """

    world: World
    clock: SimClock
    moderation: Moderation
    random: Random
    signer: Signer
    keep_pictures: bool = False
    origin: str = ""
    meter: Meter = field(factory=Meter)

    def create(
        self, request: SimRequest, *, prefix: str, id_prefix: str, request_id: str, now: float
    ) -> SimTask:
        """Accept a create.

        Raises:
            Refusal: The body, the account or the rate is not acceptable; nothing was created.
        """
        world = self.world
        order = self._examiner(now).read(request.body, prefix)
        cost = order.tokens(
            extra_frame=world.behaviour.extra_token_frame,
            least_video=world.behaviour.least_video_tokens == "derived",
        )
        check_account(world.quotas, alive=len(world.alive), queued=world.queued, tokens=world.tokens)
        check_create(
            world.quotas,
            self.meter,
            order.model,
            resolution=order.resolution,
            flex=order.flex,
            tokens=cost if world.behaviour.flex_quota_covers_lite or not order.model.is_lite else 0,
            now=now,
        )
        wall = self.clock.wall(now)
        task = SimTask(
            number=world.accepted + 1,
            id=self.new_id(now, flex=order.flex, id_prefix=id_prefix),
            order=order,
            prefix=prefix,
            accepted=now,
            created_at=int(wall),
            request_id=request_id,
            tokens=cost,
            raw=_folded(request.body),
        )
        world.accept(task, wall)
        return task

    def get(self, task_id: str, now: float) -> dict[str, object]:
        """The record of a task.

        Raises:
            Refusal: It is not known, or not yet, or no longer.
        """
        task = self.find(task_id, now)
        self.world.look(task, now)
        return self.record(task, now, task.status_at(now - self.world.behaviour.get_stale_seconds))

    def list(self, request: SimRequest, now: float) -> dict[str, object]:
        """A page of records.

        Raises:
            Refusal: The query is not valid.
        """
        behaviour = self.world.behaviour
        if behaviour.list_empty:
            return {}
        total, tasks = page_of(read_query(request, behaviour), self.world, now)
        for task in tasks:
            self.world.look(task, now)
        moment = now - behaviour.list_stale_seconds
        items = [self.record(task, now, task.status_at(moment)) for task in tasks]
        if not behaviour.list_shows_identifier:
            for item in items:
                item.pop("safety_identifier", None)
        return {"total": total, "items": items}

    def delete(self, task_id: str, now: float) -> None:
        """Cancel a queued task, or erase one that has ended.

        Raises:
            Refusal: It is running, cancelled already, or not known.
        """
        task = self.find(task_id, now)
        if task.status == "queued":
            self.world.settle(task, "cancelled", now)
        elif task.is_terminal and task.status != "cancelled":
            self.world.erase(task)
        else:
            raise _undeletable(task, self.world.behaviour)

    def find(self, task_id: str, now: float) -> SimTask:
        """A task that get would find.

        Raises:
            Refusal: The answer about an unknown task.
        """
        behaviour = self.world.behaviour
        task = self.world.tasks.get(task_id)
        if (
            task is not None
            and behaviour.get_lag_seconds <= now - task.accepted < behaviour.retention_seconds
        ):
            return task
        message = behaviour.unknown_message.replace("{id}", task_id)
        raise Refusal(status=behaviour.unknown_status, code=behaviour.unknown_code, message=message)

    def record(self, task: SimTask, now: float, status: Status | None = None) -> dict[str, object]:
        """Ark's JSON object of a task."""
        succeeded = (status or task.status) == "succeeded"
        return record_of(
            task,
            self.world.behaviour,
            updated_at=int(self.clock.wall(task.changed)),
            urls=self._urls(task, now) if succeeded else {},
            status=status,
        )

    def new_id(self, now: float, *, flex: bool, id_prefix: str) -> str:
        """An id that no task has: the time of the create in UTC+8 and five random characters (live)."""
        while True:
            if id_prefix:
                name = f"{id_prefix}{self.random.getrandbits(64):016x}"
            else:
                tail = "".join(self.random.choices(_LETTERS, k=5))
                name = f"cgt-{'batch-' if flex else ''}{self.clock.id_stamp(now)}-{tail}"
            if name not in self.world.tasks:
                return name

    def _urls(self, task: SimTask, now: float) -> dict[str, str]:
        """Signed from the moment of success, or from now where a get renews them."""
        behaviour = self.world.behaviour
        signed_at = self.clock.wall(now if behaviour.resign_on_get else task.changed)
        names = {"video_url": f"{task.id}.{task.order.output_format}"}
        if task.order.last_frame:
            names["last_frame_url"] = f"{task.id}.png"
        return {
            key: self.signer.url(self.origin, name, signed_at=signed_at, seconds=behaviour.url_seconds)
            for key, name in names.items()
        }

    def _examiner(self, now: float) -> Examiner:
        def find_draft(task_id: str) -> Order | None:
            task = self.world.tasks.get(task_id)
            usable = task is not None and task.order.draft and task.status == "succeeded"
            return task.order if task and usable and now - task.accepted < _DRAFT_KEPT else None

        return Examiner(
            behaviour=self.world.behaviour,
            moderation=self.moderation,
            random=self.random,
            find_draft=find_draft,
            keep_pictures=self.keep_pictures,
        )


def _undeletable(task: SimTask, behaviour: Behaviour) -> Refusal:
    """The refusal to delete a task that is running, or was cancelled."""
    if task.status == "running":
        return Refusal(
            status=409,
            code="InvalidAction.RunningTaskDeletion",
            message="Cannot delete task because it is currently running.",
            kind=behaviour.running_delete_type,
        )
    return Refusal(
        status=behaviour.cancelled_delete_status,
        code=behaviour.cancelled_delete_code,
        message="Cannot delete task because it is cancelled.",
    )


def _folded(body: bytes) -> bytes:
    """The body with inline media cut out, so that a ledger of thousands of images stays small."""
    return _INLINE.sub(rb"\1<folded>", body) if len(body) > _FOLD_ABOVE else body
