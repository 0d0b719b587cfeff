"""From a create body to an `Order`, or to the refusal that the server would answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict

from attrs import evolve, field, frozen

from seedance_async.simulator.behaviour import PLAN_PREFIX, Behaviour
from seedance_async.simulator.capabilities import BY_ID, BY_PLAN_NAME, Model
from seedance_async.simulator.commands import split_commands
from seedance_async.simulator.content import Content, mode_of, read_content
from seedance_async.simulator.fields import Checked, check_fields
from seedance_async.simulator.jsons import as_object, decode
from seedance_async.simulator.omni import check_omni
from seedance_async.simulator.order import Order
from seedance_async.simulator.picture import bytes_of, size_in
from seedance_async.simulator.pixels import FRAMES_PER_SECOND, nearest_ratio
from seedance_async.simulator.refusals import Refusal, invalid, missing, not_valid

if TYPE_CHECKING:
    from random import Random

    from seedance_async.simulator.moderation import Moderation

_MAX_SEED = 2**31 - 1
_DRAFT_RESOLUTION = {"2.5": "1080p", "1.5 pro": "720p"}
_DRAFT_FIXED = (
    "duration",
    "ratio",
    "seed",
    "generate_audio",
    "omni_reference_task_type",
    "frames",
    "camera_fixed",
)
_SECONDS_OF_REFERENCE_VIDEO = 5
_DEFAULT_EXPIRY = 172_800

FindDraft = Callable[[str], Order | None]


@frozen(kw_only=True)
class Examiner:
    """Reads create bodies.

    Args:
        behaviour: Switches.
        moderation: Words in prompts.
        random: Draws seeds and the length of tasks that leave it to the model.
        find_draft: Gives the order of a finished draft by its id.
        keep_pictures: Keep the inline first frame for the renderer.
    """

    behaviour: Behaviour
    moderation: Moderation
    random: Random
    find_draft: FindDraft = field()
    keep_pictures: bool = False

    def read(self, raw: bytes, prefix: str) -> Order:
        """Validate one body sent to the routes under `prefix`.

        Raises:
            Refusal: What the server would answer.
        """
        body = _read_body(raw)
        model_id, model = self._model(body.get("model"), prefix)
        content = read_content(body.get("content"), self.behaviour.assets)
        mode = mode_of(content, model)
        if mode == "draft":
            return self._second_step(Checked(body, model, mode, self.behaviour), content)
        self._apply_commands(content, model, body)
        checked = Checked(body, model, mode, self.behaviour)
        check_fields(checked)
        doom = check_omni(checked, content) or self._unreachable(content)
        self.moderation.check(content.prompt)
        return self._order(checked, content, model_id, doom or self.moderation.doom(content.prompt))

    def _model(self, value: object, prefix: str) -> tuple[str, Model]:
        """The model by its id; `ep-` ids stand for one configured model."""
        if value is None:
            raise missing("model")
        if not isinstance(value, str):
            raise not_valid("model", "expected a string")
        if prefix == PLAN_PREFIX:
            if value not in BY_PLAN_NAME:
                message = f"The model {value} is not supported by your plan."
                raise Refusal(status=404, code="UnsupportedModel", message=message, param="model")
            return value, BY_PLAN_NAME[value]
        name = self.behaviour.endpoint_model if value.startswith("ep-") else value
        if name not in BY_ID:
            message = f"The model or endpoint {value} does not exist or you do not have access to it."
            raise Refusal(status=404, code="InvalidEndpointOrModel.NotFound", message=message, param="model")
        if name in self.behaviour.models_not_open:
            where = "Please activate the model service in the Ark Console."
            message = f"Your account 2100000000 has not activated the model {name}. {where}"
            raise Refusal(status=404, code="ModelNotOpen", message=message)
        return sys.intern(name), BY_ID[name]  # one text for a million tasks

    def _unreachable(self, content: Content) -> tuple[str, str] | None:
        """Refuse media that the server cannot fetch, or let their task fail."""
        if not content.hosts & self.behaviour.unreachable_hosts:
            return None
        message = "The media in the request could not be downloaded."
        if self.behaviour.unreachable_rule == "create":
            raise invalid("content", message)
        return "InvalidParameter", message

    def _apply_commands(self, content: Content, model: Model, body: dict[str, object]) -> None:
        """Take legacy commands out of the texts of models that know them, and into the body."""
        if not model.text_commands:
            return
        for index, text in enumerate(content.texts):
            content.texts[index], found = split_commands(text)
            for name, value in found.items():
                if self.behaviour.text_commands_win or body.get(name) is None:
                    body[name] = value

    def _order(
        self, checked: Checked, content: Content, model_id: str, doom: tuple[str, str] | None
    ) -> Order:
        """Put a checked body together."""
        body, model = checked.body, checked.model
        frames = checked.integer("frames")
        draft = checked.flag("draft")
        picture = content.image_of("first_frame") or content.image_of("reference_image")
        return Order(
            model=model,
            model_id=model_id,
            mode=checked.mode,
            prompt=content.prompt,
            resolution=(
                checked.text("resolution") or ("480p" if draft else model.default_resolution)
            ).lower(),
            ratio=_ratio(checked, picture),
            seconds=frames // FRAMES_PER_SECOND if frames else self._seconds(checked),
            frames=frames,
            seconds_in=len(content.videos) * _SECONDS_OF_REFERENCE_VIDEO,
            seed=self._seed(checked),
            sound=model.sound and body.get("generate_audio", True) is True,
            camera_fixed=checked.flag("camera_fixed"),
            draft=draft,
            picture=picture if self.keep_pictures and picture and picture.startswith("data:") else None,
            doom=doom,
            **_service(checked),
        )

    def _seconds(self, checked: Checked) -> int:
        """The duration, picked from the model's range where it is left to the model."""
        asked = checked.integer("duration")
        seconds = checked.model.default_duration if asked is None else asked
        return self.random.randint(*checked.model.seconds) if seconds == -1 else seconds

    def _seed(self, checked: Checked) -> int:
        """The seed; a drawn one for -1 or none."""
        seed = checked.integer("seed")
        return self.random.randint(0, _MAX_SEED) if seed in (None, -1) else seed or 0

    def _second_step(self, checked: Checked, content: Content) -> Order:
        """Make the full video of a draft (api docs 2607688)."""
        model, body = checked.model, checked.body
        draft = self.find_draft(content.draft_task or "")
        if draft is None or draft.model is not model:
            raise not_valid("content", f"The specified draft task {content.draft_task} is not found")
        fixed = next((name for name in _DRAFT_FIXED if body.get(name) is not None), None)
        if fixed is not None:
            raise not_valid(fixed, f"{fixed} is taken from the draft and must be empty")
        check_fields(checked)
        default = _DRAFT_RESOLUTION[model.name]
        resolution = (checked.text("resolution") or default).lower()
        if checked.flag("draft") or (model.name == "2.5" and resolution != default):
            raise checked.refuse_value("draft" if checked.flag("draft") else "resolution")
        service = _service(checked)
        return evolve(
            draft,
            mode="draft",
            draft=False,
            draft_task_id=content.draft_task,
            resolution=resolution,
            **service,
        )


def _read_body(raw: bytes) -> dict[str, object]:
    """The body as an object without its nulls."""
    try:
        body = as_object(decode(raw))
    except ValueError:
        body = None
    if body is None:
        raise Refusal(
            status=400, code="InvalidParameter", message="The request body is not a valid JSON object."
        )
    return {name: value for name, value in body.items() if value is not None}


def _ratio(checked: Checked, picture: str | None) -> str:
    """The ratio of the output; `adaptive` follows the picture where its size can be read."""
    default = checked.model.default_ratio or ("16:9" if checked.mode in ("t2v", "r2v") else "adaptive")
    ratio = checked.text("ratio") or default
    if ratio != "adaptive":
        return ratio
    size = size_in(bytes_of(picture)) if picture and picture.startswith("data:") else None
    return nearest_ratio(*size) if size else "16:9"


class _Service(TypedDict):
    """The fields that a request may give whatever it makes, a draft's second step included."""

    watermark: bool
    last_frame: bool
    flex: bool
    expires_after: int
    expires_given: bool
    priority: int
    output_format: str
    web_search: bool
    safety_identifier: str | None
    callback_url: str | None


def _service(checked: Checked) -> _Service:
    """Read them."""
    expires = checked.integer("execution_expires_after")
    return _Service(
        watermark=checked.flag("watermark"),
        last_frame=checked.flag("return_last_frame"),
        flex=checked.text("service_tier") == "flex",
        expires_after=_DEFAULT_EXPIRY if expires is None else expires,
        expires_given=expires is not None,
        priority=checked.integer("priority") or 0,
        output_format=checked.text("output_format") or "mp4",
        web_search=bool(checked.body.get("tools")),
        safety_identifier=checked.text("safety_identifier"),
        callback_url=checked.text("callback_url"),
    )
