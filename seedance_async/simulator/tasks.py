"""One task at the server, and its entry in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import define, field

from seedance_async.simulator.jsons import as_object, decode

if TYPE_CHECKING:
    from seedance_async.simulator.order import Order

Status = Literal["queued", "running", "succeeded", "failed", "cancelled", "expired"]
TERMINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})


@define(kw_only=True, eq=False)
class SimTask:
    """One accepted create.

    Args:
        number: 1 for the first task; also the order of creation.
        id: What the create answered.
        order: What was ordered.
        prefix: The routes on which it was created.
        accepted: Monotonic seconds of its acceptance.
        created_at: Unix seconds, as records show them.
        request_id: Id of the create request; it comes back in the message of a failure (live sample).
        run_seconds: How long it will run.
        status: Where it is now; current once the world has been advanced.
        changed: Monotonic seconds of the last change.
        started: Monotonic seconds at which it began to run.
        looks: How often somebody looked at it.
        version: Rises with every change, so that outdated plans are recognised.
        tokens: Tokens that it costs when it succeeds.
        failure: Code and message, once failed.
        holds_slot: It counts against the tasks that may run at once.
        downloads: How often its video was fetched.
        raw: The create body as sent (inline media folded).
    """

    number: int
    id: str
    order: Order
    prefix: str
    accepted: float
    created_at: int
    request_id: str
    tokens: int
    raw: bytes
    run_seconds: float = 0.0
    status: Status = "queued"
    changed: float = 0.0
    started: float | None = None
    looks: int = 0
    version: int = 0
    failure: tuple[str, str] | None = None
    holds_slot: bool = False
    downloads: int = 0

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended."""
        return self.status in TERMINAL

    @property
    def expires(self) -> float:
        """Monotonic seconds at which it expires when it has not ended by then."""
        return self.accepted + self.order.expires_after

    def status_at(self, moment: float) -> Status:
        """Its status at an earlier monotonic moment."""
        if moment >= self.changed:
            return self.status
        return "running" if self.started is not None and moment >= self.started else "queued"


@define(kw_only=True, eq=False)
class LedgerEntry:
    """What one accepted create is worth; it stays when the task's record is erased."""

    _task: SimTask = field(alias="task", repr=False)
    accepted_at: float

    @property
    def id(self) -> str:
        """The id that the create answered."""
        return self._task.id

    @property
    def status(self) -> Status:
        """The status of the task when somebody last looked."""
        return self._task.status

    @property
    def billed(self) -> bool | None:
        """Whether it was billed; None while it is open. Only success is billed (api docs 1544106)."""
        return self._task.status == "succeeded" if self._task.is_terminal else None

    @property
    def tokens(self) -> int:
        """Tokens that it cost, or will cost while it is open; 0 when it ended unbilled."""
        return 0 if self.billed is False else self._task.tokens

    @property
    def prompt(self) -> str:
        """The prompt, without legacy commands."""
        return self._task.order.prompt

    @property
    def model(self) -> str:
        """The model id."""
        return self._task.order.model_id

    @property
    def fingerprint(self) -> int | None:
        """The `execution_expires_after` that the request gave, or None."""
        order = self._task.order
        return order.expires_after if order.expires_given else None

    @property
    def body(self) -> dict[str, object]:
        """The create body as JSON, with inline media folded."""
        return as_object(decode(self._task.raw)) or {}
