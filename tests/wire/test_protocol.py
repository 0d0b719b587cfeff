"""Requests as they leave and answers as they are judged: the edges where a slip would cost money."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from seedance_async._wire import protocol
from seedance_async._wire.exchange import Route, WireResponse
from seedance_async.errors import (
    AnswerUnreadable,
    Billed,
    InvalidRequest,
    RequestRefused,
    ServerFailed,
    TaskNotFound,
)

TASKS = "/contents/generations/tasks"
LONGEST = "a" * 256


def answer(payload: object, status: int = 200) -> WireResponse:
    """Make an answer with a JSON body."""
    return WireResponse(status=status, body=json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (protocol.CREATE, ("create", "POST", TASKS, False, True)),
        (protocol.GET, ("get", "GET", TASKS + "/{id}", True, False)),
        (protocol.LIST, ("list", "GET", TASKS, True, False)),
        (protocol.DELETE, ("delete", "DELETE", TASKS + "/{id}", False, False)),
    ],
)
def test_a_route_is_the_one_of_the_docs(route: Route, expected: tuple[object, ...]) -> None:
    """Only what changes nothing may be repeated, and only the create is paid."""
    assert (route.name, route.method, route.path, route.repeatable, route.paid) == expected


def test_a_create_carries_its_body_as_utf_8() -> None:
    """A Chinese prompt goes out as itself, not as escapes of twice the size."""
    request = protocol.build_create({"prompt": "猫"})
    assert (request.route, request.path, request.query) == (protocol.CREATE, TASKS, "")
    assert request.body == '{"prompt": "猫"}'.encode()


@pytest.mark.parametrize(("task_id", "quoted"), [("cgt-1", "cgt-1"), ("a/../b c?", "a%2F..%2Fb%20c%3F")])
def test_an_id_stays_one_part_of_the_path(task_id: str, quoted: str) -> None:
    """An id from a gateway can reach no other route, neither for a look nor for a delete."""
    get, delete = protocol.build_get(task_id), protocol.build_delete(task_id)
    assert (get.route, get.path, get.body) == (protocol.GET, f"{TASKS}/{quoted}", None)
    assert (delete.route, delete.path, delete.body) == (protocol.DELETE, f"{TASKS}/{quoted}", None)


@pytest.mark.parametrize("task_id", [None, 5, "", " ", LONGEST + "a", ".", "..", "a\nb"])
def test_what_can_be_no_id_is_refused_by_name(task_id: Any) -> None:
    """Such an id is refused for a look, and in a list beside a good one; the error says what it was."""
    with pytest.raises(InvalidRequest) as caught:
        protocol.build_get(task_id)
    assert (caught.value.field, caught.value.value) == ("task_id", task_id)
    assert "the id of a task" in str(caught.value)
    with pytest.raises(InvalidRequest) as listed:
        protocol.build_list(task_ids=["cgt-1", task_id])
    assert (listed.value.field, listed.value.value) == ("task_id", task_id)


@pytest.mark.parametrize("task_ids", [["cgt-1", "cgt-2"], [LONGEST], ["a/b", "é", "a.b", "..."], ("x",), []])
def test_ids_of_a_list_go_one_by_one(task_ids: list[str]) -> None:
    """The filter is repeated, one id each and in order; plain ids and odd ones alike."""
    assert protocol.check_task_id(LONGEST) == LONGEST
    query = protocol.build_list(task_ids=task_ids).query
    sent = [("page_num", "1"), ("page_size", "20"), *(("filter.task_ids", one) for one in task_ids)]
    assert parse_qsl(query, strict_parsing=True) == sent


def test_ids_of_a_list_are_quoted() -> None:
    """No id can begin another parameter or end the query, whatever signs it is made of."""
    query = protocol.build_list(task_ids=["a&filter.status=x", "b#c", "d e+f", "é"]).query
    assert query == (
        "page_num=1&page_size=20&filter.task_ids=a%26filter.status%3Dx"
        "&filter.task_ids=b%23c&filter.task_ids=d+e%2Bf&filter.task_ids=%C3%A9"
    )


def test_ids_may_be_given_one_after_the_other() -> None:
    """What can be walked through once only loses no id to the check."""
    query = protocol.build_list(task_ids=iter(["a", "b"])).query  # type: ignore[arg-type]
    assert query.endswith("&filter.task_ids=a&filter.task_ids=b")


def test_filters_go_by_their_names() -> None:
    """Each filter has its own name on the wire, and one that is not given is left out."""
    request = protocol.build_list(
        status="running", model="m", service_tier="flex", task_ids=["a"], page_num=500, page_size=500
    )
    assert (request.route, request.path, request.body) == (protocol.LIST, TASKS, None)
    assert request.query == (
        "page_num=500&page_size=500&filter.status=running&filter.model=m&filter.service_tier=flex"
        "&filter.task_ids=a"
    )
    assert protocol.build_list(page_num=1, page_size=1, model="a b/c").query == (
        "page_num=1&page_size=1&filter.model=a+b%2Fc"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, value) for name in ("page_num", "page_size") for value in (0, -1, 501, True, 1.0, "1")),
        *((name, value) for name in ("status", "model", "service_tier") for value in ("", " ", "a\n", 5)),
        *(("task_ids", value) for value in ("cgt-1", b"cgt-1", 5, None)),
    ],
)
def test_a_wrong_filter_is_refused_by_name(field: str, value: Any) -> None:
    """What the server would refuse, or would take for no filter at all, never leaves."""
    arguments: dict[str, Any] = {field: value}
    with pytest.raises(InvalidRequest) as caught:
        protocol.build_list(**arguments)
    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.limit


@pytest.mark.parametrize(("said", "read"), [("cgt-1", "cgt-1"), (7, "7"), (-1, "-1")])
def test_an_id_is_a_word_or_a_number(said: object, read: str) -> None:
    """A gateway that counts its tasks has accepted the submit as well as one that names them."""
    assert protocol.read_created(answer({"id": said})).id == read


@pytest.mark.parametrize("said", ["", 0, False, None, [], {}])
def test_an_empty_id_leaves_the_create_in_doubt(said: object) -> None:
    """A create answer without an id that could be asked for may have cost money, and shows what came."""
    with pytest.raises(AnswerUnreadable, match=r"create \(HTTP 200\).*it holds no task id") as caught:
        protocol.read_created(answer({"id": said}))
    assert caught.value.billed is Billed.MAYBE
    assert caught.value.status == 200
    assert json.loads(caught.value.body) == {"id": said}


def test_a_long_answer_is_shown_in_part() -> None:
    """An error holds at most 500 bytes of an unreadable answer, whatever bytes they are."""
    with pytest.raises(AnswerUnreadable, match="not a JSON object") as caught:
        protocol.read_record(WireResponse(status=299, body=b"\xff" * 600))
    assert caught.value.body == "\N{REPLACEMENT CHARACTER}" * 500
    assert caught.value.billed is Billed.NO


@pytest.mark.parametrize("payload", [{"id": "cgt-1"}, {"status": "running"}])
def test_a_record_names_itself_or_its_status(payload: dict[str, Any]) -> None:
    """A gateway may leave out the id that was asked for; an answer with neither says nothing."""
    assert protocol.read_record(answer(payload)) == payload
    with pytest.raises(AnswerUnreadable, match="neither an id nor a status"):
        protocol.read_record(answer({"model": "m"}))


@pytest.mark.parametrize("total", [3, 0, True, "3", None, 3.0])
def test_a_total_is_a_number(total: object) -> None:
    """Only a whole number is the server's total; what is no record is passed over."""
    records, said = protocol.read_page(answer({"items": [{"id": "a"}, None, "b"], "total": total}))
    assert records == [{"id": "a"}]
    assert said == (total if type(total) is int else None)


@pytest.mark.parametrize(
    ("said", "read"), [({"id": 7}, "7"), ({"id": {"oid": "x"}}, "{'oid': 'x'}"), ({"id": None}, ""), ({}, "")]
)
def test_an_id_in_a_list_is_text_whatever_it_was(said: dict[str, Any], read: str) -> None:
    """Records are looked up by their ids: one that no dict takes must not stop who reads the others."""
    records, _ = protocol.read_page(answer({"items": [said, {"id": "a"}]}))
    assert [record["id"] for record in records] == [read, "a"]


@pytest.mark.parametrize(
    "payload",
    [
        {"items": [{"task_id": "a"}], "total": 1},
        {"code": 0, "data": {"items": [{"task_id": "a"}], "total": 1}},
        {"code": "success", "data": [{"task_id": "a"}]},
    ],
)
def test_a_page_is_found_in_its_wrapper(payload: dict[str, Any]) -> None:
    """Gateways put the items one level down, or name the id otherwise: the records come out alike."""
    records, total = protocol.read_page(answer(payload))
    assert [record["id"] for record in records] == ["a"]
    assert total == (None if isinstance(payload.get("data"), list) else 1)


@pytest.mark.parametrize("payload", [{}, {"items": None}, {"code": 0, "data": {}}, {"data": [{"id": "a"}]}])
def test_a_page_without_items_is_unreadable(payload: dict[str, Any]) -> None:
    """No list is not an empty list: tasks would be taken for gone."""
    with pytest.raises(AnswerUnreadable, match="it holds no list of items"):
        protocol.read_page(answer(payload))


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_delete_needs_no_body(status: int) -> None:
    """A success status is enough; blanks are no body, and JSON that says no is still a refusal."""
    for body in (b"", b" \n", b"{}"):
        protocol.read_deleted(WireResponse(status=status, body=body))  # raises nothing
    with pytest.raises(RequestRefused):
        protocol.read_deleted(answer({"error": {"code": "InvalidParameter"}}, status))
    with pytest.raises(ServerFailed):
        protocol.read_deleted(WireResponse(status=300))


@pytest.mark.parametrize(
    "payload",
    [{"error": "no"}, {"error": {"code": "x"}}, {"code": "x"}, {"code": 5, "data": None}, {"code": ""}],
)
def test_an_error_under_a_success_status_is_an_error(payload: dict[str, Any]) -> None:
    """A gateway's own no is not mistaken for a task."""
    with pytest.raises(RequestRefused):
        protocol.read_record(answer(payload))


@pytest.mark.parametrize("name", ["id", "task_id"])
@pytest.mark.parametrize("word", ["ok", "SUCCESS", 1, 201, 10000])
def test_an_id_in_a_wrapper_is_an_acceptance_whatever_its_code(word: object, name: str) -> None:
    """No list of words for "good" is complete, and a task taken for a refusal would be ordered again."""
    wrapped = {"code": word, "message": "submitted", "data": {name: "cgt-1"}}
    assert protocol.read_created(answer(wrapped)).id == "cgt-1"


@pytest.mark.parametrize("inner", [{"task_id": ""}, {"task_id": 0}, {"id": None}, {"reason": "no"}, ["t"]])
def test_a_wrapper_without_an_id_is_still_a_refusal(inner: object) -> None:
    """What can be no id says nothing against the code, and no id stands against an error."""
    with pytest.raises(RequestRefused):
        protocol.read_created(answer({"code": "denied", "data": inner}))
    with pytest.raises(RequestRefused):
        protocol.read_created(answer({"error": {"code": "x"}, "data": {"task_id": "cgt-1"}}))


@pytest.mark.parametrize("name", ["id", "task_id"])
@pytest.mark.parametrize("beside", [{"error": {"code": "x"}}, {"code": "x"}])
def test_an_error_beside_an_id_is_the_end_of_a_task(name: str, beside: dict[str, Any]) -> None:
    """A failed task is read as one; taking it for a refused create would have it billed again."""
    assert protocol.read_created(answer({name: "cgt-1", **beside})).id == "cgt-1"
    assert protocol.read_page(answer({"items": [], **beside})) == ([], None)


@pytest.mark.parametrize("words", ["No available channel for retry", "分组 default 无可用渠道，重试失败"])
def test_no_channel_for_a_second_try_is_no_refusal(words: str) -> None:
    """The first channel was tried, so its upstream may have a task; without that word nothing was sent on."""
    with pytest.raises(ServerFailed) as caught:
        protocol.read_created(answer({"error": {"message": words}}, 503))
    assert caught.value.billed is Billed.MAYBE
    for plain in ("No available channel for model m", "无可用渠道"):
        with pytest.raises(RequestRefused):
            protocol.read_created(answer({"error": {"message": plain}}, 503))


@pytest.mark.parametrize(
    ("status", "code", "message", "advised"),
    [
        (404, "PathNotFound", "The requested path does not exist.", True),
        (404, "", "Cannot POST /contents/generations/tasks", True),
        (405, "", "Not Allowed", True),
        (404, "InvalidEndpointOrModel.NotFound", "The model or endpoint m does not exist.", False),
        (404, "ResourceNotFound", "It is not there.", False),
        (404, "", "The draft task cgt-1 was not found.", False),
        (400, "InvalidParameter", "ratio", False),
    ],
)
def test_only_a_missing_path_is_told_as_a_wrong_address(
    status: int, code: str, message: str, *, advised: bool
) -> None:
    """What an order names may be missing, too: then nobody is sent to look at the address."""
    with pytest.raises(RequestRefused) as caught:
        protocol.read_created(answer({"error": {"code": code, "message": message}}, status))
    assert ("missing path" in caught.value.advice) == advised


@pytest.mark.parametrize("read", [protocol.read_record, protocol.read_deleted])
def test_only_a_route_by_id_knows_a_missing_task(read: Any) -> None:
    """404 to a look or a delete is about the task, 404 to a create or a list about the address."""
    missing = answer({"error": {"code": "NotFound"}}, 404)
    with pytest.raises(TaskNotFound):
        read(missing)
    for other in (protocol.read_created, protocol.read_page):
        with pytest.raises(RequestRefused) as caught:
            other(missing)
        assert type(caught.value) is RequestRefused
