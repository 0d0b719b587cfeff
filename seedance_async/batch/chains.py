"""Chains: jobs that start from the result of another job of the same batch.

A draft is finished (Seedance 1.5 pro: ``draft_task``, api docs 1520757), or the next shot starts from the
last frame of the one before it (``return_last_frame``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import field, frozen

from seedance_async.canonical import digest_of
from seedance_async.errors import InvalidRequest
from seedance_async.request import VideoRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from seedance_async.models import VideoTask

__all__ = ["Link", "draft_then_final", "shots"]


_ANY_TASK: Final = "cgt-a-draft"
_ANY_FRAME: Final = "https://frames.example/last.png"


def _copy(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the fields; a function of its own, because type checkers take ``dict`` for all its signatures."""
    return dict(fields)


@frozen(kw_only=True)
class Link:
    """A job that needs the result of an earlier one.

    Attributes:
        after: key of the job that comes before; it stands earlier in the input, or in the journal.
        takes: ``last_frame``: that job's last frame becomes this one's first (that job asks for it with
            ``return_last_frame=True``); ``draft``: that job's draft is finished.
        fields: fields of this job's VideoRequest, without what comes from the other.

    Raises:
        InvalidRequest: the fields are wrong whatever the other job gives.
    """

    after: str
    takes: Literal["last_frame", "draft"] = "last_frame"
    fields: Mapping[str, Any] = field(factory=dict[str, Any], converter=_copy)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.after, str) or not self.after:
            raise InvalidRequest(field="after", value=self.after, limit="must be the key of another job")
        if self.takes not in {"last_frame", "draft"}:
            raise InvalidRequest(field="takes", value=self.takes, limit="must be 'last_frame' or 'draft'")
        self._request(_ANY_TASK if self.takes == "draft" else _ANY_FRAME)

    def request_from(self, task: VideoTask) -> VideoRequest:
        """Make the request once the earlier job's task has succeeded.

        Raises:
            InvalidRequest: the task has no last frame, or the request is not valid.
        """
        if self.takes == "draft":
            return self._request(task.id)
        if not task.last_frame_url:
            limit = f"is missing in task {task.id}: its request must say return_last_frame=True"
            raise InvalidRequest(field="last_frame_url", limit=limit)
        return self._request(task.last_frame_url)

    def digest(self) -> str:
        """Give a stable name of this link: what it needs and what it asks for."""
        asked = self._request(_ANY_TASK if self.takes == "draft" else _ANY_FRAME)
        return digest_of({"after": self.after, "takes": self.takes, "asks": asked.digest()})

    def _request(self, given: str) -> VideoRequest:
        """Build the request from its fields and what the earlier job gives."""
        name = "draft_task" if self.takes == "draft" else "first_frame"
        if name in self.fields:
            raise InvalidRequest(field=name, value=self.fields[name], limit="comes from the earlier job")
        try:
            fields: dict[str, Any] = {**self.fields, name: given}
            return VideoRequest(**fields)
        except TypeError as error:
            raise InvalidRequest(str(error), field="fields", value=sorted(map(str, self.fields))) from error


def draft_then_final(
    key: str, request: VideoRequest, **final: Any
) -> Iterator[tuple[str, VideoRequest | Link]]:
    """Give two jobs: a cheap preview (480p), and the video made from it.

    Args:
        key: names the final; the draft is named ``<key>.draft``.
        request: what is wanted; it becomes the draft.
        **final: fields of the final, such as ``resolution="1080p"`` or ``watermark``; prompt, pictures,
            ratio, duration, seed and sound come from the draft.

    Raises:
        InvalidRequest: the model makes no drafts, or a field does not fit.
    """
    draft = request.evolve(draft=True, resolution="480p", return_last_frame=None, service_tier=None)
    yield f"{key}.draft", draft
    yield key, Link(after=f"{key}.draft", takes="draft", fields={"model": request.model, **final})


def shots(key: str, fields: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, VideoRequest | Link]]:
    """Give one job per shot, each starting from the last frame of the one before.

    Args:
        key: the shots are named ``<key>.1``, ``<key>.2``...
        fields: fields of each shot's VideoRequest; the first may have a first frame of its own.

    Raises:
        InvalidRequest: a field does not fit.
    """
    listed = [dict(one) for one in fields]
    for number, shot in enumerate(listed, 1):
        if number < len(listed):
            shot["return_last_frame"] = True
        if number == 1:
            yield f"{key}.1", VideoRequest(**shot)
        else:
            yield f"{key}.{number}", Link(after=f"{key}.{number - 1}", fields=shot)
