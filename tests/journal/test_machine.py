"""Random moves, crashes and re-openings against a model of what the journal must hold."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from seedance_async.errors import JournalError
from seedance_async.ledger.journal import Journal
from seedance_async.ledger.rows import OPEN_STATES, JobState, PlannedRow
from tests.journal.jobs import ENDS, LOST, REFUSED, SHA, intent, task

KEYS = st.sampled_from(["a", "b", "c"])


class JournalMachine(RuleBasedStateMachine):
    """Holds a journal on disk beside a dictionary, and compares them after every move and every crash."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.place = Path(tempfile.mkdtemp(prefix="journal-machine-"))
        self.path = self.place / "run0.db"
        self.opened = AsyncExitStack()
        self.crashes = 0
        self.state: dict[str, JobState] = {}
        self.tasks: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.drawn = 0

    def do(self, coroutine: Any) -> Any:
        """Run something on the machine's loop."""
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        """Open what is on disk."""
        self.journal = self.do(self.opened.enter_async_context(Journal.open(self.path)))

    def attempt(self, coroutine: Any, *, legal: bool) -> bool:
        """Carry out a move; an illegal one must raise."""
        if legal:
            self.do(coroutine)
        else:
            with pytest.raises(JournalError):
                self.do(coroutine)
        return legal

    def is_in(self, key: str, *states: JobState) -> bool:
        """Is the job in one of these states by the model?"""
        return self.state.get(key) in states

    @rule(key=KEYS)
    def plan(self, key: str) -> None:
        """Planning adds what is not there."""
        self.do(self.journal.plan([PlannedRow(key=key, request={"prompt": key})]))
        self.state.setdefault(key, JobState.PLANNED)

    @rule(key=KEYS)
    def send(self, key: str) -> None:
        """A POST begins only where none is open and no task exists."""
        legal = key not in self.state or self.is_in(key, JobState.PLANNED, JobState.REFUSED)
        if self.attempt(self.journal.sending(intent(key)), legal=legal):
            self.state[key] = JobState.SENDING
            self.attempts[key] = self.attempts.get(key, 0) + 1

    @rule(key=KEYS)
    def accept(self, key: str) -> None:
        """A new id is taken only for an open POST."""
        self.drawn += 1
        task_id = f"cgt-{self.drawn}"
        if self.attempt(self.journal.accepted(key, task_id), legal=self.state.get(key) in OPEN_STATES):
            self.state[key] = JobState.ACCEPTED
            self.tasks[key] = task_id

    @rule(key=KEYS, other=KEYS)
    def accept_anothers(self, key: str, other: str) -> None:
        """A task that another key has is never taken."""
        if key != other and other in self.tasks:
            self.attempt(self.journal.accepted(key, self.tasks[other]), legal=False)

    @rule(key=KEYS)
    def refuse(self, key: str) -> None:
        """A refusal settles what has no task."""
        legal = self.is_in(key, JobState.PLANNED, JobState.SENDING, JobState.REFUSED)
        if self.attempt(self.journal.refused(key, REFUSED), legal=legal):
            self.state[key] = JobState.REFUSED

    @rule(key=KEYS)
    def lose(self, key: str) -> None:
        """An open POST may become uncertain."""
        if self.attempt(self.journal.uncertain(key, LOST), legal=self.state.get(key) in OPEN_STATES):
            self.state[key] = JobState.UNCERTAIN

    @rule(key=KEYS)
    def prove_absent(self, key: str) -> None:
        """An open POST that left nothing behind is planned again."""
        legal = self.is_in(key, JobState.PLANNED, *OPEN_STATES)
        if self.attempt(self.journal.absent(key), legal=legal):
            self.state[key] = JobState.PLANNED

    @rule(key=KEYS, end=st.sampled_from(ENDS))
    def end(self, key: str, end: JobState) -> None:
        """A task ends once; the same end may be told again."""
        again = self.is_in(key, end) or (end is JobState.SUCCEEDED and self.is_in(key, JobState.SAVED))
        legal = again or self.is_in(key, JobState.ACCEPTED)
        record = task(self.tasks.get(key, "cgt-none"), end)
        if self.attempt(self.journal.ended(key, record), legal=legal) and not again:
            self.state[key] = end

    @rule(key=KEYS)
    def save(self, key: str) -> None:
        """Only what succeeded can be saved."""
        legal = self.is_in(key, JobState.SUCCEEDED, JobState.SAVED)
        if self.attempt(self.journal.saved(key, file=f"{key}.mp4", size=1, sha256=SHA), legal=legal):
            self.state[key] = JobState.SAVED

    @rule(key=KEYS)
    def reset(self, key: str) -> None:
        """Only what has no video, and can get none, is planned again."""
        ends = (JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED)
        if self.attempt(
            self.journal.reset(key), legal=self.is_in(key, JobState.PLANNED, JobState.REFUSED, *ends)
        ):
            self.state[key] = JobState.PLANNED
            self.tasks.pop(key, None)

    @rule()
    def reopen(self) -> None:
        """A clean end and a new start change nothing."""
        self.do(self.opened.aclose())
        self.open()

    @rule()
    def crash(self) -> None:
        """What a killed process leaves in its files, unclosed as they are, is the whole journal."""
        self.crashes += 1
        left = self.place / f"run{self.crashes}.db"
        shutil.copy(self.path, left)
        shutil.copy(f"{self.path}-wal", f"{left}-wal")
        self.do(self.opened.aclose())
        self.path = left
        self.open()

    @invariant()
    def holds_what_was_told(self) -> None:
        """States, tasks, attempts and open intents are the model's."""
        rows = {row.key: row for row in self.do(_all(self.journal))}
        assert {key: row.state for key, row in rows.items()} == self.state
        assert {key: row.task_id for key, row in rows.items() if row.task_id} == self.tasks
        assert {key: row.attempts for key, row in rows.items() if row.attempts} == self.attempts
        for key, state in self.state.items():
            found = self.do(self.journal.find(key))
            assert (found is not None) == (state in OPEN_STATES)
            assert found is None or found.attempt == self.attempts[key]

    def teardown(self) -> None:
        """Close and clear away."""
        self.do(self.opened.aclose())
        self.runner.close()
        shutil.rmtree(self.place)


async def _all(journal: Journal) -> list[Any]:
    """Read every row."""
    return [row async for row in journal.rows()]


def test_random_moves_and_crashes() -> None:
    """Every sequence of moves, crashes and new starts leaves the journal as the model says."""
    slow = [HealthCheck.too_slow]
    run_state_machine_as_test(
        JournalMachine,
        settings=settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=slow),
    )
