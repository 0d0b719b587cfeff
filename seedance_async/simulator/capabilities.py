"""What each model takes (api docs 1520757), written down apart from the client's table."""

from __future__ import annotations

from typing import Literal

from attrs import evolve, frozen

_LOW = ("480p", "720p")
_HD = ("480p", "720p", "1080p")


@frozen(kw_only=True)
class Model:
    """One column of the capability table; the defaults are those of the 1.0 family.

    Args:
        name: Short name, e.g. `2.0 fast`.
        stem: Id without vendor and date, e.g. `seedance-2-0-fast`.
        date: The date in the id.
        brand: Vendor word on the BytePlus side, with its dash, or nothing.
        pixels: Row of the pixel table.
        requests: Creates a minute for an enterprise account.
        slots: Tasks that run at once for an enterprise account.
    """

    name: str
    stem: str
    date: str
    brand: str = ""
    pixels: Literal["2.5", "2.0", "1.0"] = "1.0"
    resolutions: tuple[str, ...] = _HD
    default_resolution: str = "720p"
    seconds: tuple[int, int] = (2, 12)
    picks_duration: bool = False
    default_duration: int = 5
    default_ratio: str | None = None
    text_only: bool = True
    first_frame: bool = True
    last_frame: bool = True
    images: int = 0
    videos: int = 0
    audios: int = 0
    audio_alone: bool = False
    sound: bool = False
    frames: bool = True
    camera_fixed: bool = True
    flex: bool = True
    draft: bool = False
    web_search: bool = False
    priority: Literal["yes", "ignored", "no"] = "ignored"
    output_format: bool = False
    omni: bool = False
    text_commands: bool = True
    expiry_checked: bool = True
    downloads: int | None = None
    plan_name: str = ""
    requests: int = 600
    slots: int = 10

    @property
    def label(self) -> str:
        """The name that error messages use."""
        return f"doubao-{self.stem}"

    @property
    def is_lite(self) -> bool:
        """Whether it is one of the two 1.0 lite models."""
        return self.name.startswith("1.0 lite")

    def ids(self) -> tuple[str, str]:
        """The Ark id and the BytePlus id."""
        return f"doubao-{self.stem}-{self.date}", f"{self.brand}{self.stem}-{self.date}"


_V20 = Model(
    name="2.0",
    stem="seedance-2-0",
    date="260128",
    brand="dreamina-",
    pixels="2.0",
    resolutions=(*_HD, "4k"),
    seconds=(4, 15),
    picks_duration=True,
    default_ratio="adaptive",
    images=9,
    videos=3,
    audios=3,
    sound=True,
    frames=False,
    camera_fixed=False,
    flex=False,
    web_search=True,
    priority="yes",
    text_commands=False,
    expiry_checked=False,
    plan_name="doubao-seedance-2.0",
)
_V25 = evolve(
    _V20,
    name="2.5",
    stem="seedance-2-5",
    date="260628",
    pixels="2.5",
    resolutions=_HD,
    seconds=(4, 30),
    default_duration=-1,
    images=30,
    videos=10,
    audios=10,
    audio_alone=True,
    draft=True,
    output_format=True,
    omni=True,
    downloads=100,
    plan_name="doubao-seedance-2.5",
)
_FAST = evolve(
    _V20, name="2.0 fast", stem="seedance-2-0-fast", resolutions=_LOW, plan_name="doubao-seedance-2.0-fast"
)
_MINI = evolve(
    _FAST, name="2.0 mini", stem="seedance-2-0-mini", date="260615", plan_name="doubao-seedance-2.0-mini"
)
_V15 = Model(
    name="1.5 pro",
    stem="seedance-1-5-pro",
    date="251215",
    pixels="2.0",
    seconds=(4, 12),
    picks_duration=True,
    default_ratio="adaptive",
    sound=True,
    frames=False,
    draft=True,
    priority="no",
)
_PRO = Model(name="1.0 pro", stem="seedance-1-0-pro", date="250528", default_resolution="1080p")
_PRO_FAST = evolve(_PRO, name="1.0 pro fast", stem="seedance-1-0-pro-fast", date="251015", last_frame=False)
_LITE_T2V = Model(
    name="1.0 lite t2v",
    stem="seedance-1-0-lite-t2v",
    date="250428",
    first_frame=False,
    last_frame=False,
    requests=300,
    slots=5,
)
_LITE_I2V = evolve(
    _LITE_T2V,
    name="1.0 lite i2v",
    stem="seedance-1-0-lite-i2v",
    text_only=False,
    first_frame=True,
    last_frame=True,
    images=4,
)

MODELS = (_V25, _V20, _FAST, _MINI, _V15, _PRO, _PRO_FAST, _LITE_T2V, _LITE_I2V)
"""Every model of the table, newest first."""

BY_ID: dict[str, Model] = {name: model for model in MODELS for name in model.ids()}
"""Models by their dated ids, Ark and BytePlus."""

BY_PLAN_NAME: dict[str, Model] = {model.plan_name: model for model in MODELS if model.plan_name}
"""Models by the undated ids of the subscription prefix."""
