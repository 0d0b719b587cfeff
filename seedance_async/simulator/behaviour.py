"""How the simulated server behaves where documents are silent or servers differ: each point a switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import evolve, field, fields, frozen

from seedance_async.simulator.checks import known_values, within
from seedance_async.simulator.dialects import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = 86_400.0

_positive = within(0)
_once = within(1)


@frozen
class AtOnce:
    """Every task has ended by the time its id is answered."""


@frozen
class AfterSeconds:
    """Tasks go on by the clock.

    Args:
        queue: Seconds in `queued` (longer where no running place is free).
        run: Seconds in `running`.
        jitter: Share of `run`, 0 to 1, by which a task may be quicker or slower; drawn from the seed.
    """

    queue: float = field(default=0.0, validator=_positive)
    run: float = field(default=2.0, validator=_positive)
    jitter: float = field(default=0.0, validator=within(0, 1))


@frozen
class AfterLooks:
    """Tasks go on each time somebody looks, by get or in a list.

    Args:
        looks: Looks that still find the task alive; the next one finds it ended.
        queued: How many of them find it `queued`.
    """

    looks: int = field(default=2, validator=_positive)
    queued: int = field(default=1, validator=_positive)


@frozen
class ByHand:
    """Tasks only go on by `finish`, `fail` and `advance`, or expire."""


Progression = AtOnce | AfterSeconds | AfterLooks | ByHand

MOUNTS: Mapping[str, str] = {"/api/v3": "ark", "/volc/v1": "kkiai", "/api/plan/v3": "ark"}
"""Route prefixes and the dialect that each speaks."""

PLAN_PREFIX = "/api/plan/v3"
"""The subscription prefix, which takes undated model names only (api docs 1520757)."""


def _all_mounts(given: Mapping[str, str]) -> Mapping[str, str]:
    """The given prefixes on top of the usual ones."""
    return {**MOUNTS, **given}


@frozen(kw_only=True)
class Behaviour:
    """Switches for everything that is unconfirmed or differs between gateways; defaults as observed live.

    Args:
        mounts: Dialect by prefix, on top of `MOUNTS`: `ark`, `kkiai`, `newapi` or `crazyrouter`.
        progression: How tasks go on; default: after the simulator's `queue_seconds` and `work_seconds`.
        bare_records: `until_end`: queued and running records show five fields only (live observation).
        bare_endings: Expired and cancelled records show five fields only too (nobody has published one).
        list_supported: False: listing answers 404.
        list_empty: Listing answers `{}`.
        list_ignores_filters: Listing ignores status, model and service tier.
        list_ignores_task_ids: Listing ignores `filter.task_ids`.
        list_refuses_expired: `filter.status=expired` is refused.
        list_page_cap: Largest page given whatever `page_size` asks.
        list_page_rule: Whether a larger `page_size` is `cut` to the cap, or `refused` with 400.
        list_order: Newest or oldest first.
        list_lag_seconds: A new task appears in lists only after so many seconds.
        list_stale_seconds: Lists show statuses as they were so many seconds ago.
        list_shows_identifier: Items of a list show `safety_identifier`, as a get does.
        list_hides_flex: Flex tasks are shown only for `filter.service_tier=flex` (live).
        get_lag_seconds: A new task answers 404 to get for so many seconds (seen on gateways).
        get_stale_seconds: Gets show statuses as they were so many seconds ago (gateways poll the upstream).
        delete_supported: False: DELETE answers 404.
        delete_answers: The body of a successful DELETE: `{}` or nothing.
        cancelled_delete_status: Status of the answer to DELETE of a cancelled task.
        cancelled_delete_code: Its code.
        running_delete_type: `error.type` of the 409 to DELETE of a running task.
        unknown_status: Status of the answer about an unknown task.
        unknown_code: Its code.
        unknown_message: Its sentence; `{id}` stands for the id.
        clock_skew: Seconds by which the server's wall clock runs ahead.
        calls_code: Code of the 429 for too many gets, lists or deletes.
        too_large_status: Status of the answer to a body over 64 MB.
        too_large_code: Its code.
        retry_after: Whether a 429 carries `Retry-After`, and in which form.
        resign_on_get: A get renews the signature of the video URL.
        url_seconds: Life of a video URL.
        url_ready_seconds: A fresh URL answers 400 `video_not_ready` for so many seconds.
        download_limit: Whether 2.5 results end after 100 downloads.
        retention_seconds: How long tasks are kept.
        cancelled_seconds: How long cancelled tasks are kept.
        echo_expires_after: Records show `execution_expires_after`.
        refuses_expires_after: A create that has the field is refused with 400.
        refuses_explicit_false: An explicit false for a field that a model does not know is refused too.
        ignores_output_format: Models before 2.5 ignore `output_format` instead of refusing it.
        drafts_of_25: 2.5 makes drafts (the newest page; an earlier one says no).
        web_search_with_media: `tools` may go with media, not only with text alone.
        adaptive_lite_references: 1.0 lite takes the ratio `adaptive` with reference images too.
        unreachable_hosts: Hosts from which the server cannot fetch media.
        unreachable_rule: Whether such media are refused at `create`, or the `task` fails.
        text_commands_win: A legacy text command beats the body field; False: the body field wins.
        ratio_rule: Whether a 2.5 frame task with a fixed ratio is refused at `create` or fails as a `task`.
        extra_token_frame: Tokens count one frame more than the video has.
        least_video_tokens: The least that a task with reference video costs: `derived` from a reseller's
            prices (5/3 of the output's length at 480p and 720p, 9/5 at 1080p), or `none`.
        flex_quota_covers_lite: The tokens of 1.0 lite count against `flex_tokens_per_day` too.
        gives_up_seconds: A task that has not ended after so many seconds fails (a gateway's own time-out).
        endpoint_model: The model behind every `ep-` id.
        models_not_open: Model ids that answer 404 `ModelNotOpen`.
        assets: Known `asset://` ids; None: all exist.
        callback_attempts: How often a callback is tried in all.
        callback_ack: What confirms a callback: any `2xx`, only `200`, or `any` answer.
        callback_repeats: Which callbacks are tried again: `all`, or only `results`: succeeded and failed.
        callback_confirm_seconds: How long a confirmation is waited for.
        callback_spacing_seconds: Pause between tries.
        callback_in_order: A task's next callback waits until the one before is confirmed or given up.
        callback_headers: Headers of every callback, such as a signature (none is documented).
        callback_copies: How often each callback is sent though it was confirmed.
        callback_forged: Each callback is preceded by one that claims the task failed.
    """

    mounts: Mapping[str, str] = field(
        factory=dict[str, str], converter=_all_mounts, validator=known_values(DIALECTS)
    )
    progression: Progression | None = None
    bare_records: Literal["no", "until_end"] = "until_end"
    bare_endings: bool = False
    list_supported: bool = True
    list_empty: bool = False
    list_ignores_filters: bool = False
    list_ignores_task_ids: bool = False
    list_refuses_expired: bool = False
    list_page_cap: int | None = None
    list_page_rule: Literal["cut", "refused"] = "cut"
    list_order: Literal["newest", "oldest"] = "newest"
    list_lag_seconds: float = field(default=0.0, validator=_positive)
    list_stale_seconds: float = field(default=0.0, validator=_positive)
    list_shows_identifier: bool = True
    list_hides_flex: bool = True
    get_lag_seconds: float = field(default=0.0, validator=_positive)
    get_stale_seconds: float = field(default=0.0, validator=_positive)
    delete_supported: bool = True
    delete_answers: Literal["{}", ""] = "{}"
    cancelled_delete_status: int = 409
    cancelled_delete_code: str = "InvalidAction"
    running_delete_type: str = "Conflict"
    unknown_status: int = 404
    unknown_code: str = "ResourceNotFound"
    unknown_message: str = "The specified task {id} is not found."
    clock_skew: float = 0.0
    calls_code: str = "APIAccountRpmRateLimitExceeded"
    too_large_status: int = 413
    too_large_code: str = "RequestBodyTooLarge"
    retry_after: Literal["no", "seconds", "date"] = "no"
    resign_on_get: bool = False
    url_seconds: int = 86_400
    url_ready_seconds: float = field(default=0.0, validator=_positive)
    download_limit: bool = True
    retention_seconds: float = 7 * DAY
    cancelled_seconds: float = DAY
    echo_expires_after: bool = True
    refuses_expires_after: bool = False
    refuses_explicit_false: bool = True
    ignores_output_format: bool = False
    drafts_of_25: bool = True
    web_search_with_media: bool = True
    adaptive_lite_references: bool = True
    unreachable_hosts: frozenset[str] = frozenset()
    unreachable_rule: Literal["create", "task"] = "create"
    text_commands_win: bool = True
    ratio_rule: Literal["create", "task"] = "create"
    extra_token_frame: bool = True
    least_video_tokens: Literal["derived", "none"] = "derived"
    flex_quota_covers_lite: bool = True
    gives_up_seconds: float | None = field(default=None, validator=_positive)
    endpoint_model: str = "doubao-seedance-1-5-pro-251215"
    models_not_open: frozenset[str] = frozenset()
    assets: frozenset[str] | None = None
    callback_attempts: int = field(default=3, validator=_once)
    callback_ack: Literal["2xx", "200", "any"] = "2xx"
    callback_repeats: Literal["all", "results"] = "all"
    callback_confirm_seconds: float = 5.0
    callback_spacing_seconds: float = field(default=1.0, validator=_positive)
    callback_in_order: bool = False
    callback_headers: Mapping[str, str] = field(factory=dict[str, str])
    callback_copies: int = field(default=1, validator=_once)
    callback_forged: bool = False


def switched(behaviour: Behaviour, switches: Mapping[str, object]) -> Behaviour:
    """The behaviour with some switches changed.

    Raises:
        TypeError: There is no such switch.
        ValueError: A switch is out of its limits.
    """
    return evolve(behaviour, **switches)  # type: ignore[arg-type]  # names and values are checked by attrs


def check_switches(switches: Mapping[str, object]) -> None:
    """Check names and limits.

    Raises:
        ValueError: There is no such switch, or its value is out of its limits.
    """
    names = [one.name for one in fields(Behaviour)]
    for name in switches:
        if name not in names:
            raise ValueError(f"switches has the unknown switch {name!r}; known: {', '.join(names)}")
    switched(Behaviour(), switches)
