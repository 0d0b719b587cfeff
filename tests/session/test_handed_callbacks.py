"""Callbacks that another web framework received: `CallbackReceiver.take` is a hint and nothing more, too."""

from __future__ import annotations

import json

import pytest
from yarl import URL

from seedance_async import CallbackReceiver


class Ear:
    """Takes the place of a watcher."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def wake(self, task_id: str) -> None:
        """Note the id."""
        self.heard.append(task_id)


def record(task_id: str) -> bytes:
    """Make the body of a callback: the record that a GET would give."""
    return json.dumps({"id": task_id, "status": "succeeded"}).encode()


GARBAGE = {
    "empty": b"",
    "cut": b"{",
    "no JSON": b"succeeded",
    "list": b"[1]",
    "null": b"null",
    "number": b'{"id": 5}',
    "a list for an id": b'{"id": [1]}',
    "no id": b'{"status": "x"}',
    "bytes": b"\xff\xfe",
    "deep": b"[" * 60_000,
    "an empty wrapper": b'{"code": "success", "message": "", "data": {}}',
    "a wrapper of a list": b'{"code": "success", "message": "", "data": [1]}',
    "odd words in a wrapper": b'{"code": "success", "message": "", "data": {"task_id": {}, "status": [1]}}',
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_no_callback(body: bytes) -> None:
    """A body that names no task wakes nobody and raises nothing, whatever it is."""
    ear = Ear()
    receiver = CallbackReceiver(public_url="https://x.example")
    assert not receiver.take(URL(receiver.bind(ear)).path, body)
    assert ear.heard == []


def test_another_framework_hands_path_and_body_over() -> None:
    """What another framework received wakes the watcher of its path, and no other one."""
    one, two = Ear(), Ear()
    receiver = CallbackReceiver(public_url="https://x.example", prefix="/hooks")
    path = URL(receiver.bind(one)).path
    receiver.bind(two)
    assert receiver.take(path, record("a"))
    assert receiver.take(
        path, b'{"code": "success", "message": "", "data": {"task_id": "b", "status": "SUCCESS"}}'
    )
    assert (one.heard, two.heard) == (["a", "b"], [])


def test_another_frameworks_strangers_wake_nobody() -> None:
    """A path without the secret, of a session that is closed, or a body past the cap changes nothing."""
    ear = Ear()
    receiver = CallbackReceiver(public_url="https://x.example", prefix="/hooks")
    path = URL(receiver.bind(ear, name="mine")).path
    for wrong in ("", "/", "mine", "/hooks/mine/", f"{path}x", path.replace("mine", "yours"), "/a/\udcff"):
        assert not receiver.take(wrong, record("a"))
    assert not receiver.take(path, record("a").ljust(CallbackReceiver.BODY_MOST + 1))
    assert receiver.take(path, record("b").ljust(CallbackReceiver.BODY_MOST))
    receiver.unbind(ear)
    assert not receiver.take(path, record("c"))
    assert ear.heard == ["b"]
