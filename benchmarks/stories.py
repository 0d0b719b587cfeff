"""The stories that `benchmarks/compare.py` lets every contender live, and what is noted of each."""

from __future__ import annotations

from attrs import frozen

ONE_PROCESS_EACH = "zjandrew-seedance-cli"
STORM = """
about = "Lost answers on both sides of acceptance, slow-downs and failing reads; nothing hangs."
[[faults]]
kind = "reset"
when = "after"
times = "always"
probability = 0.05
[[faults]]
kind = "status"
when = "after"
times = "always"
probability = 0.05
[[faults]]
kind = "status"
when = "before"
times = "always"
probability = 0.10
[[faults]]
kind = "reset"
when = "before"
times = "always"
probability = 0.05
[[faults]]
kind = "status"
when = "before"
times = "always"
probability = 0.05
status = 429
[[faults]]
kind = "html"
route = "get"
times = "always"
probability = 0.04
[[faults]]
kind = "html"
route = "list"
times = "always"
probability = 0.04
"""
QUOTAS = """
about = "The quotas of an account."
[quotas]
creates_per_minute = 600
gets_per_second = 20
lists_per_second = 1
max_alive = 100
max_running = 20
"""
CALM = """
about = "Nothing goes wrong, no quota is kept."
[quotas]
preset = "off"
"""


@frozen(kw_only=True)
class Row:
    """One contender's figures in one story."""

    cpu_ms: float
    requests: float
    kib: float
    seconds: float
    succeeded: int
    uncertain: int
    tasks: int
    twice: int
    orphans: int


@frozen(kw_only=True)
class Weight:
    """What a contender weighs before anything is asked: see `benchmarks/weights.py`."""

    version: str
    import_ms: float
    installed_mb: float


@frozen(kw_only=True)
class Setting:
    """A story's server and size.

    Attributes:
        scenario: TOML of the server.
        count: prompts.
        few: prompts of the contender that starts a process for each.
        work_seconds: seconds that a task runs.
        quotas: whether the contender may be told that there are quotas.
    """

    scenario: str
    count: int
    few: int
    work_seconds: float
    quotas: bool = True

    def prompts(self, name: str) -> int:
        """Say how many prompts a contender gets."""
        return self.few if name == ONE_PROCESS_EACH else self.count


STORIES = {
    "calm": Setting(scenario=CALM, count=200, few=16, work_seconds=6.0, quotas=False),
    "storm": Setting(scenario=STORM, count=100, few=40, work_seconds=3.0),
    "quotas": Setting(scenario=QUOTAS, count=150, few=40, work_seconds=3.0),
}
