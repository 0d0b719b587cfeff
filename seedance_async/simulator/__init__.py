"""A Seedance server for tests, demonstrations and benchmarks, with a ledger of what it would have billed.

It shares no code with the client, so that both cannot make the same mistake.
It binds the loopback interface only.
"""

from __future__ import annotations

from seedance_async.simulator.behaviour import AfterLooks, AfterSeconds, AtOnce, Behaviour, ByHand
from seedance_async.simulator.data import BadSetting
from seedance_async.simulator.exchange import Fate, SimAnswer, SimRequest
from seedance_async.simulator.faults import Fault
from seedance_async.simulator.inside import Broken
from seedance_async.simulator.moderation import Moderation
from seedance_async.simulator.proof import assert_billed_once
from seedance_async.simulator.quotas import Quotas
from seedance_async.simulator.requestlog import SeenRequest
from seedance_async.simulator.scenario import Scenario
from seedance_async.simulator.scenario_files import gallery, load_scenario
from seedance_async.simulator.server import SimulatedServer
from seedance_async.simulator.service import Simulator
from seedance_async.simulator.tasks import LedgerEntry, SimTask
from seedance_async.simulator.threaded import ThreadedSimulator
from seedance_async.simulator.writing import dump_scenario

__all__ = [
    "AfterLooks",
    "AfterSeconds",
    "AtOnce",
    "BadSetting",
    "Behaviour",
    "Broken",
    "ByHand",
    "Fate",
    "Fault",
    "LedgerEntry",
    "Moderation",
    "Quotas",
    "Scenario",
    "SeenRequest",
    "SimAnswer",
    "SimRequest",
    "SimTask",
    "SimulatedServer",
    "Simulator",
    "ThreadedSimulator",
    "assert_billed_once",
    "dump_scenario",
    "gallery",
    "load_scenario",
]
