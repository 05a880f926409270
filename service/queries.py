"""What the service is asked: the query of `POST /reconstruct`, and photos in JSON."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from typing_extensions import Self

from model.scene.ground import HEIGHTS
from model.scene.stature import STATURES

Box = tuple[float, float, float, float]

# Plain decimals of a bounded size: no NaN, no infinity, no exponents.
_NUMBER = r"-?[0-9]{1,6}(\.[0-9]{1,12})?"
_SIDE = r"([2-9]|[1-9][0-9]{1,5})(\.[0-9]{1,12})?"
_BOX_PATTERN = f"^{_NUMBER},{_NUMBER},{_SIDE},{_SIDE}$"


def parse_box(text: str) -> Box:
    """Read `x,y,width,height` in pixels.

    Raises:
        ValueError: Not four plain numbers, or a side shorter than two pixels.
    """
    if re.fullmatch(f"{_NUMBER}(,{_NUMBER}){{3}}", text) is None:
        raise ValueError("a box is four numbers, x,y,width,height in pixels, such as 120,40,200,460")
    x, y, width, height = map(float, text.split(","))
    if width < 2 or height < 2:
        raise ValueError("a box needs a width and a height of at least 2 pixels")
    return x, y, width, height


def _box_text(text: str) -> str:
    parse_box(text)
    return text


MOST_PEOPLE = 50
"""In one answer, and in one request's boxes; `MPT_MAX_PEOPLE` may lower it."""


class ReconstructQuery(BaseModel):
    """The query of `POST /reconstruct`."""

    mode: Literal["zero-shot", "fine-tuned"] | None = Field(
        None,
        description="Which training: on motion capture alone (zero-shot), or on photos too (fine-tuned). "
        "Zero-shot by default, where it is offered.",
    )
    subject: Literal["body", "hand"] = Field("body", description="Whether to reconstruct people's bodies, or hands.")
    max_people: int | None = Field(
        None, ge=1, le=MOST_PEOPLE, description="How many people, or hands, to reconstruct at most: the most prominent."
    )
    bbox: list[
        Annotated[str, AfterValidator(_box_text), WithJsonSchema({"type": "string", "pattern": _BOX_PATTERN})]
    ] = Field(
        default_factory=list,
        max_length=MOST_PEOPLE,
        description="Where a person, or a hand, is: x,y,width,height in pixels of the upright photo. Repeat it for "
        "more. Without it, they are found by themselves.",
        examples=[["120,40,200,460"]],
    )
    vertices: bool = Field(False, description="Whether the answer lists every vertex of every mesh.")
    mesh: Literal["body", "raw"] = Field(
        "body",
        description="Joints and mesh of the body that is fitted to the network's mesh and refined to the joints that "
        "were seen (body), or the network's own (raw).",
    )
    hands: Literal["auto", "off"] = Field(
        "auto",
        description="Whether hands that are large enough in the photo pose the wrists and fingers of bodies (auto), or "
        "all hang relaxed (off).",
    )
    rigged: bool = Field(
        False,
        description="Whether bodies must have a skeleton: where meshes have none, 422 says why. Each body's links to a "
        "GLB with skeleton, skinning weights and pose, and to BVH, are in `mesh` anyway.",
    )
    parameters: bool = Field(
        False, description="Whether the answer has the body's pose and shape; with rigged=true it has them anyway."
    )
    colors: Literal["plain", "person"] = Field(
        "plain",
        description="What the meshes wear, in files and pictures: everybody the same calm colours (plain), or each "
        "person one of their own (person).",
    )
    focal_length: float | None = Field(
        None,
        ge=1,
        le=1_000_000,
        allow_inf_nan=False,
        description="The camera's focal length in pixels of this photo. Else from EXIF, else the photo's diagonal, of "
        "a collage three times that.",
    )
    pitch: float | None = Field(
        None,
        ge=-90,
        le=90,
        allow_inf_nan=False,
        description="Degrees by which the camera looked above the horizon, negative for down. Else from EXIF or XMP, "
        "else by how the people stand.",
    )
    camera_height: float | None = Field(
        None,
        ge=HEIGHTS[0],
        le=HEIGHTS[1],
        allow_inf_nan=False,
        description="Metres that the camera was above the ground: then those who stand on it get their true sizes.",
    )
    person_height: float | None = Field(
        None,
        ge=STATURES[0],
        le=STATURES[1],
        allow_inf_nan=False,
        description="Metres that the most prominent person (or that of the first box) is tall: all sizes and distances "
        "follow. Not beside camera_height, which says the same.",
    )

    @property
    def boxes(self) -> list[Box]:
        """The boxes as numbers: x, y, width, height."""
        return [parse_box(text) for text in self.bbox]


_EXAMPLE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAEUlEQVQY02NsYEAFTAwjWgAAmZAAoP5WG2AAAAAASUVORK5CYII="
"""A grey PNG of 16 x 16 pixels, so that the description's examples can be sent as they stand."""


class ImageBody(BaseModel):
    """A photo in JSON: itself, in base64, or where it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"image": _EXAMPLE}})

    image: str | None = Field(
        None, description="The file in base64, also URL-safe or in lines, with or without the head of a data URL."
    )
    image_url: str | None = Field(
        None,
        max_length=2048,
        description="Its address, http or https and public; if the operator allows it (MPT_IMAGE_URLS).",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.image is None) == (self.image_url is None):
            raise ValueError("an image is given as image or as image_url, one of both")
        return self


class ImagesBody(BaseModel):
    """Several photos in JSON."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"images": [{"image": _EXAMPLE}]}},
    )

    images: list[ImageBody] = Field(min_length=1, description="In the order in which they are answered.")
