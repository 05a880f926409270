"""What the service answers: the JSON of people, meshes and problems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from model.errors import printable
from model.scene.up import Source

Finite = Annotated[float, Field(allow_inf_nan=False)]
Point2 = tuple[Finite, Finite]
Point3 = tuple[Finite, Finite, Finite]


class Camera(BaseModel):
    """Where the camera is. Camera frame: x right, y down, z forward, metres.

    A point p of the body lands in the photo at
    focal_length * (p + translation)[:2] / (p + translation)[2] + principal_point.
    """

    focal_length: Finite = Field(description="In pixels.")
    principal_point: Point2 = Field(description="In pixels: the middle of the photo, without bars beside the picture.")
    translation: Point3 = Field(description="From the camera to the person's pelvis, in metres.")
    weak_perspective: Point3 = Field(
        description="s, tx, ty: (x, y) lands in the person's square crop, -1 to 1, at s (x, y) + (tx, ty)."
    )


class MeshLinks(BaseModel):
    """Where to fetch the person's mesh: metres, y up, pelvis at the origin. The links expire."""

    glb: str
    obj: str
    vertices: str = Field(description="The vertices as little-endian float32, in the frame of `joints`.")
    topology: str = Field(description="The faces, the same for all meshes of a network.")
    rigged: str | None = Field(
        None, description="GLB of the body with skeleton, skinning weights and pose; of a fitted body."
    )
    bvh: str | None = Field(None, description="The body's pose as BVH; of a fitted body.")


class Parameters(BaseModel):
    """The body model whose mesh it is. Poses are those of SMPL's first 22 joints, in SMPL's order, pelvis first."""

    model: str = Field(description="anny, the open body; or smpl or smplx, if the operator brought one.")
    pose: list[Point3] = Field(
        description="22 axis-angle rotations in radians, each relative to its parent's in the T-pose. The first takes "
        "the body's own frame (y up, facing +z) to the camera's."
    )
    left_hand_pose: list[Point3] | None = Field(
        None,
        description="15 likewise, of SMPL-H's finger joints (index, middle, little, ring finger, thumb; base first), "
        "from the resting hand on; relaxed where the hand was not seen. Not there of hands in one piece.",
    )
    right_hand_pose: list[Point3] | None = Field(None, description="Likewise, of the right hand.")
    hands_seen: list[Literal["left", "right"]] = Field(
        default_factory=list, description="Whose fingers are as they were seen in the photo; others hang relaxed."
    )
    shape: list[Finite] = Field(
        description="Coefficients of the model's shape directions, of unit variance; SMPL's betas. Of anny the last "
        "three are a child's age, and 0 of adults."
    )
    translation: Point3 = Field(
        description="Metres, camera frame; to be added to the posed body, whose pelvis is where it was at rest."
    )
    phenotypes: dict[str, Finite] | None = Field(
        None,
        description="What the shape says in words, each 0 to 1; of anny: gender (0 is male), age (adults from 0.6), "
        "muscle, weight, height, proportions. A guess from one photo.",
    )
    residual_mm: Finite = Field(
        description="How far the network's own mesh was from the body, in the mean, in millimetres."
    )


class Person(BaseModel):
    """One person of the photo. Joints are COCO's 17, in COCO's order, nose to right ankle."""

    id: str
    score: Finite = Field(description="How sure it is that somebody is here, or in the box that was given, 0 to 1.")
    bbox: tuple[Finite, Finite, Finite, Finite] = Field(description="x, y, width, height in pixels.")
    keypoints_2d: list[Point3] = Field(description="17 joints in the photo: x, y in pixels, confidence 0 to 1.")
    joints: list[Point3] = Field(description="17 joints: x, y, z in metres, camera frame, pelvis at the origin.")
    vertices: list[Point3] | None = Field(
        None, description="The mesh's vertices, like `joints`; only with vertices=true."
    )
    mesh_kind: Literal["body", "raw"] = Field(
        description="Whether joints and mesh are those of a fitted body, or the network's own: of hands, with "
        "mesh=raw, of meshes that there is no rig for, and of a person who came out as no body."
    )
    camera: Camera
    mesh: MeshLinks
    parameters: Parameters | None = Field(None, description="Only with parameters=true or rigged=true, of a body.")


class Hand(Person):
    """One hand of the photo. Joints are the wrist, then of thumb, index, middle, ring and little finger base to tip."""

    handedness: Literal["left", "right"]
    score: Finite = Field(description="How sure the network is that this is a hand, 0 to 1.")
    keypoints_2d: list[Point3] = Field(description="21 joints in the photo: x, y in pixels, confidence 0 to 1.")
    joints: list[Point3] = Field(description="21 joints: x, y, z in metres, camera frame, wrist at the origin.")


class Ground(BaseModel):
    """The plane that people stand on, in the camera frame: of points p with normal . p = -camera_height."""

    normal: Point3 = Field(description="Of length 1, up.")
    camera_height: Finite = Field(description="How high the camera is above it, in metres.")
    standing: list[str] = Field(description="The ids of the people who stand on it.")


class Scene(BaseModel):
    """What the people stand in."""

    up: Point3 = Field(description="Which way is up, of length 1, in the camera frame.")
    pitch: Finite = Field(description="Degrees by which the camera looks above the horizon; negative: down.")
    roll: Finite = Field(description="Degrees by which what is upright is turned clockwise in the photo.")
    confidence: Finite = Field(description="The probability that up is right to 10 degrees, 0 to 1.")
    source: Source = Field(
        description="What says so: how the people stand, the request, the photo's EXIF or XMP; or nothing, and it is "
        "assumed that the camera was held as cameras are."
    )
    ground: Ground | None = Field(
        None,
        description="Under what is lowest of people if nobody stands; not there if the camera is below all of them.",
    )
    glb: str | None = Field(None, description="Where to fetch everyone on the ground, a node each, as one GLB.")


class Reconstruction(BaseModel):
    """All people of one photo, or all hands. Pixels count from the upper left corner of the upright photo."""

    id: str
    width: int = Field(description="Of the photo, in pixels, after EXIF orientation.")
    height: int = Field(description="Of the photo, in pixels, after EXIF orientation.")
    mode: Literal["zero-shot", "fine-tuned"]
    model: str = Field(description="Name of the network.")
    people: list[Person] = Field(
        description="The most prominent first: large in the photo, and surely there. Empty if nobody was found, and "
        "with subject=hand."
    )
    hands: list[Hand] | None = Field(None, description="Likewise; only with subject=hand.")
    scene: Scene | None = Field(None, description="What the people stand in; not with subject=hand.")
    overlay: str | None = Field(
        None,
        description="Where to fetch a picture of the meshes over the photo (?view=side: from the side), for as long "
        "as the meshes, as PNG, or with the ending .jpg or .webp; not there if the service keeps no photos.",
    )
    npz: str | None = Field(None, description="Where to fetch everything as numpy arrays.")
    zip: str | None = Field(None, description="Where to fetch all files in one.")
    timings_ms: dict[str, float] = Field(description="Milliseconds by stage.")

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "5f0c7bd2a94e4c1f8d3e6a7b9c0d1e2f",
                "width": 640,
                "height": 480,
                "mode": "zero-shot",
                "model": "mpt-tiny",
                "people": [
                    {
                        "id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                        "score": 0.87,
                        "bbox": [120.0, 40.0, 200.0, 420.0],
                        "keypoints_2d": [[221.4, 78.9, 0.93]],
                        "joints": [[0.012, -0.61, -0.084]],
                        "mesh_kind": "body",
                        "camera": {
                            "focal_length": 800.0,
                            "principal_point": [320.0, 240.0],
                            "translation": [-0.37, 0.04, 3.21],
                            "weak_perspective": [0.93, 0.01, -0.02],
                        },
                        "mesh": {
                            "glb": "/v1/mesh/0a1b2c3d4e5f60718293a4b5c6d7e8f9.glb",
                            "obj": "/v1/mesh/0a1b2c3d4e5f60718293a4b5c6d7e8f9.obj",
                            "vertices": "/v1/mesh/0a1b2c3d4e5f60718293a4b5c6d7e8f9.f32",
                            "topology": "/v1/topology/9f86d081884c7d65",
                        },
                    }
                ],
                "scene": {
                    "up": [0.02, -0.981, -0.191],
                    "pitch": -11.0,
                    "roll": 1.2,
                    "confidence": 0.84,
                    "source": "people",
                    "ground": {
                        "normal": [0.02, -0.981, -0.191],
                        "camera_height": 1.52,
                        "standing": ["0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
                    },
                    "glb": "/v1/mesh/5f0c7bd2a94e4c1f8d3e6a7b9c0d1e2f.scene.glb",
                },
                "overlay": "/v1/reconstructions/5f0c7bd2a94e4c1f8d3e6a7b9c0d1e2f/overlay.png",
                "npz": "/v1/reconstructions/5f0c7bd2a94e4c1f8d3e6a7b9c0d1e2f.npz",
                "zip": "/v1/reconstructions/5f0c7bd2a94e4c1f8d3e6a7b9c0d1e2f.zip",
                "timings_ms": {"decode": 4.1, "network": 61.0, "meshes": 6.3, "total": 75.2},
            }
        }
    )


Sentence = Annotated[str, AfterValidator(printable)]
"""What may repeat a client's own words."""


class FieldProblem(BaseModel):
    """What is wrong with one part of a request."""

    field: Sentence
    message: Sentence


class Problem(BaseModel):
    """An error, in the shape of RFC 9457 (application/problem+json)."""

    type: str = Field(description="A name for this kind of problem that programs can rely on.")
    title: str = Field(description="The kind of problem, for people.")
    status: int = Field(description="The HTTP status code.")
    detail: Sentence = Field(description="What happened and what to do.")
    errors: list[FieldProblem] | None = Field(None, description="Each refused part of the request.")

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:mpt:problem:unsupported-format",
                "title": "Unsupported format",
                "status": 415,
                "detail": "This file is no JPEG, PNG, WebP, HEIC or AVIF image. "
                "Convert it to one of them and send it again.",
            }
        }
    )


class BatchResult(BaseModel):
    """What became of one photo of several: a reconstruction, or a problem."""

    status: int = Field(description="The HTTP status that the photo alone would have had.")
    reconstruction: Reconstruction | None = None
    problem: Problem | None = None


class Batch(BaseModel):
    """What became of each photo, in the order in which they came."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "results": [
                    {"status": 200, "reconstruction": Reconstruction.model_config["json_schema_extra"]["example"]},  # type: ignore[index]
                    {"status": 415, "problem": Problem.model_config["json_schema_extra"]["example"]},  # type: ignore[index]
                ]
            }
        }
    )

    results: list[BatchResult]


class Topology(BaseModel):
    """The faces that all meshes of a network share."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "9f86d081884c7d65", "vertices": 4, "faces": [[0, 1, 2], [0, 2, 3]]}}
    )

    id: str
    vertices: int = Field(description="How many a mesh has.")
    faces: list[tuple[int, int, int]] = Field(description="Three vertices each, counter-clockwise seen from outside.")
