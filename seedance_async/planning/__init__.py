"""Planning before paying: the real client rehearses a batch against the simulator, on virtual time."""

from __future__ import annotations

from seedance_async.planning.accounts import PlannedAccount, accounts_of
from seedance_async.planning.load import Load
from seedance_async.planning.plan import LanePlan, Plan, plan
from seedance_async.planning.runtimes import RunTimes, runs_of_journal
from seedance_async.planning.spreading import Spread, allocate, spread

__all__ = [
    "LanePlan",
    "Load",
    "Plan",
    "PlannedAccount",
    "RunTimes",
    "Spread",
    "accounts_of",
    "allocate",
    "plan",
    "runs_of_journal",
    "spread",
]
