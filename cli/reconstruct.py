"""`mpt reconstruct`: photos to meshes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from cli.console import notes
from cli.extras import require
from cli.inputs import Unusable, find_sources
from cli.options import Boxes, Checkpoint, Device, OfSubject, Subject, read_boxes
from model.errors import BadInput

_FORMATS = ("glb", "obj", "scene", "json", "npz", "bvh", "trc", "c3d", "smpl-npz")
_STILL = frozenset(("obj", "scene"))
_OF_BODIES = frozenset(("bvh", "trc", "c3d", "smpl-npz"))


class Mode(str, Enum):
    """Which training a checkpoint had."""

    ZERO_SHOT = "zero-shot"
    FINE_TUNED = "fine-tuned"


class SkeletonName(str, Enum):
    """Whose names and resting pose BVH has."""

    SMPL = "smpl"
    MIXAMO = "mixamo"
    UNREAL = "unreal"
    LAFAN1 = "lafan1"


class Colors(str, Enum):
    """What bodies wear."""

    PLAIN = "plain"
    PERSON = "person"


class HandsOption(str, Enum):
    """Whether hands that are seen pose those of bodies."""

    AUTO = "auto"
    OFF = "off"


class Mesh(str, Enum):
    """Whose mesh is written."""

    BODY = "body"
    RAW = "raw"


class FrameName(str, Enum):
    """Where files that move stand."""

    WORLD = "world"
    CAMERA = "camera"


class Engine(str, Enum):
    """What runs the networks."""

    AUTO = "auto"
    TORCH = "torch"
    ONNX = "onnx"


def reconstruct(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Photos (JPEG, PNG, WebP, HEIC, AVIF, still GIF), folders of photos, patterns in quotes such as "
            "'trip/**/*.jpg', videos, - for standard input, or the number of a webcam (0 is the first).",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", file_okay=False, help="Folder for the files; made if it is not there."
        ),
    ] = Path("reconstructions"),
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="LIST",
            help="With commas: glb, obj (a mesh for each person), scene (a GLB of everyone on the ground), json (the "
            "answer that the service gives), npz (all arrays, for numpy); of a skeleton bvh (for animation programs), "
            "trc, c3d (joints as markers, for biomechanics), smpl-npz (AMASS' keys, and what robots' retargeters "
            "read). Of a video they hold the motion, and there is no obj and no scene.",
        ),
    ] = "glb",
    overlay: Annotated[
        bool,
        typer.Option("--overlay", help="Also draw: the meshes over the photo or video, and of a photo from the side."),
    ] = False,
    colors: Annotated[
        Colors, typer.Option(help="What bodies wear, in files and pictures: all the same, or each one a colour.")
    ] = Colors.PLAIN,
    rigged: Annotated[
        bool,
        typer.Option(
            "--rigged",
            help="Also write photo-1.rigged.glb: the body with a skeleton, skinning weights and the pose; of a video "
            "the joints' motion, in place of the other GLB. The body's parameters go into json and npz.",
        ),
    ] = False,
    skeleton: Annotated[
        SkeletonName, typer.Option(help="Whose joints' names and resting pose BVH has.")
    ] = SkeletonName.SMPL,
    mesh: Annotated[
        Mesh,
        typer.Option(help="The body that is fitted to what the network answers and to what was seen, or its raw mesh."),
    ] = Mesh.BODY,
    hands: Annotated[
        HandsOption,
        typer.Option(help="Whether hands that are large enough pose those of the body, or all hang relaxed."),
    ] = HandsOption.AUTO,
    frame: Annotated[
        FrameName,
        typer.Option(
            help="Where the motion in a video's files is: on the floor, starting at the origin and facing +z, or "
            "before the camera."
        ),
    ] = FrameName.WORLD,
    subject: OfSubject = Subject.BODY,
    max_people: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Keep the N most prominent of each photo, of a video the N who are there for longest; "
            "else all that are found.",
        ),
    ] = None,
    box: Boxes = None,
    focal_length: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=1_000_000,
            metavar="PIXELS",
            help="The camera's; else what the file says, else the diagonal, of collages three times that, "
            "of videos what people who walk, or a camera that goes somewhere, tell, or a phone's.",
        ),
    ] = None,
    pitch: Annotated[
        float | None,
        typer.Option(
            min=-90,
            max=90,
            metavar="DEGREES",
            help="How far photos' camera looked above the horizon, negative for down; else from EXIF or XMP, else by "
            "how the people stand.",
        ),
    ] = None,
    camera_height: Annotated[
        float | None,
        typer.Option(
            min=0.05,
            max=500,
            metavar="METRES",
            help="How high photos' camera was above the ground: who stands on it gets her true size.",
        ),
    ] = None,
    person_height: Annotated[
        float | None,
        typer.Option(
            min=0.4,
            max=2.8,
            metavar="METRES",
            help="How tall the most prominent person of each photo is, of a video who is there for longest: all sizes "
            "follow.",
        ),
    ] = None,
    fps: Annotated[
        float,
        typer.Option(min=0.001, max=1000, metavar="RATE", help="Frames a second of a video to reconstruct, at most."),
    ] = 30,
    fast: Annotated[
        bool, typer.Option("--fast", help="Videos: networks see half as many frames; bodies go on in between.")
    ] = False,
    mode: Annotated[
        Mode | None, typer.Option(help="Trained on motion capture alone, or on photos too.", show_default=False)
    ] = None,
    checkpoint: Checkpoint = None,
    device: Device = None,
    engine: Annotated[Engine, typer.Option(help="What runs the networks; auto is the fastest here.")] = Engine.AUTO,
) -> None:
    """Make a 3D body of each person in photos and videos, or a 3D hand of each hand.

    Each person's mesh becomes DIR/photo-1.glb, DIR/photo-2.glb, ...: metres, y up, pelvis at the origin.
    In a video people are followed from frame to frame and smoothed over time; their GLBs move, on one floor.
    Hands' are named DIR/photo.hand-1.glb, videos' DIR/dance.video-1.glb. Each file that is written is listed; one
    that is there already is replaced. What cannot be used is passed over and listed at the end.
    """
    kinds = frozenset(part.strip().lower() for part in formats.split(",") if part.strip())
    if unknown := sorted(kinds - set(_FORMATS)):
        raise typer.BadParameter(f"there is no {unknown[0]!r}; choose of {', '.join(_FORMATS)}.", param_hint="--format")
    if not (kinds or overlay or rigged):
        words = f"name one of {', '.join(_FORMATS)}, or add --overlay or --rigged."
        raise typer.BadParameter(words, param_hint="--format")
    if "c3d" in kinds:
        require("footage", "--format c3d")
    sources, passed_over, unusable = find_sources(inputs)
    videos = [source for source in sources if source.is_video]
    if box and (len(sources) != 1 or videos):
        raise typer.BadParameter("boxes are for one photo, not for several and not for videos.", param_hint="--box")
    if subject is Subject.HAND and (rigged or kinds & _OF_BODIES):
        raise typer.BadParameter("only bodies have a skeleton, hands have none.", param_hint="--subject")
    if subject is Subject.HAND and "scene" in kinds:
        raise typer.BadParameter("people stand on the ground, hands do not.", param_hint="--subject")
    if subject is Subject.HAND:
        from model.inputs import check_for_hands

        try:
            check_for_hands(pitch, camera_height, person_height, hands.value, colors.value)
        except BadInput as error:
            raise typer.BadParameter(str(error), param_hint="--subject") from None
    if mesh is Mesh.RAW and (rigged or kinds & _OF_BODIES):
        raise typer.BadParameter("the network's raw mesh has no skeleton; choose body.", param_hint="--mesh")
    if skeleton is not SkeletonName.SMPL and "bvh" not in kinds:
        raise typer.BadParameter("it names the joints of BVH: add that to --format.", param_hint="--skeleton")
    if sources and len(videos) == len(sources) and (pitch is not None or camera_height is not None):
        words = "photos alone are told how their camera was; videos say it by themselves."
        raise typer.BadParameter(words, param_hint="--pitch" if pitch is not None else "--camera-height")
    if person_height is not None:
        from model.scene.stature import check_person_height

        try:
            check_person_height(person_height, camera_height)
        except BadInput as error:
            raise typer.BadParameter(str(error), param_hint="--person-height") from None
    if sources and not videos and (fast or frame is not FrameName.WORLD):
        raise typer.BadParameter("it is for videos, not for photos.", param_hint="--fast" if fast else "--frame")
    if reason := _why_no_video(subject, kinds, overlay or rigged):
        unusable += [Unusable(str(video.path), reason) for video in videos]
        sources = [source for source in sources if not source.is_video]

    from cli.job import Job, Outcome
    from cli.model_loading import load_reconstructor, settings_in_force
    from cli.photos import work_through
    from model.body.rig_file import require_rig
    from model.files import check_folder

    settings, boxes = settings_in_force(), read_boxes(box)
    outcome = Outcome()
    if sources:
        check_folder(output)
        with notes.status("Loading the networks ..."):
            chosen = (checkpoint, subject.value, mode.value if mode else None)
            model = load_reconstructor(settings, *chosen, device, engine.value)
        job = Job(
            model=model,
            output=output,
            formats=kinds | ({"rigged"} if rigged else set()),
            overlay=overlay,
            boxes=boxes,
            max_people=max_people,
            focal_length=focal_length,
            pitch=pitch,
            camera_height=camera_height,
            person_height=person_height,
            max_pixels=settings.max_pixels,
            frame_rate=fps,
            fast=fast,
            rig=require_rig(model.rig, model.info()["vertices"]) if rigged or kinds & _OF_BODIES else None,
            mesh=mesh.value,
            hands=hands.value,
            skeleton=skeleton.value,
            frame=frame.value,
            colors=colors.value,
        )
        outcome = work_through(sources, job)
    outcome.unusable[:0] = unusable
    outcome.passed_over = passed_over
    outcome.tell(output)
    raise typer.Exit(outcome.exit_code)


def _why_no_video(subject: Subject, kinds: frozenset[str], more: bool) -> str | None:
    """Why videos can have nothing of what is wanted, if so; `more` says that there is more than the kinds of files."""
    if subject is Subject.HAND:
        return "Hands are reconstructed in photos only, not in videos."
    if kinds <= _STILL and not more:
        return "An obj or a scene cannot move; choose glb, bvh, json or npz for videos."
    return None
