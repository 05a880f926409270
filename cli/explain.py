"""`mpt explain`: what the network saw in a photo, and what its mesh attended to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn

from cli.console import notes, progress_bar
from cli.inputs import answer_name
from cli.options import Boxes, Checkpoint, Device, OfSubject, Subject, read_boxes
from model.formats.endings import HEATMAPS, INFLUENCE


def explain(
    photo: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTO", dir_okay=False, help="JPEG, PNG, WebP, HEIC, AVIF or still GIF.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", file_okay=False, help="Folder for the pictures; made if it is not there."
        ),
    ] = Path("explanations"),
    subject: OfSubject = Subject.BODY,
    box: Boxes = None,
    max_people: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Explain only the N most prominent; else everyone."),
    ] = None,
    checkpoint: Checkpoint = None,
    device: Device = None,
) -> None:
    """Show how the network came to its answer, in two pictures for each person or hand.

    DIR/photo-1.heatmaps.png has the 2D network's heatmap of each joint, with the height of its peak; a joint without a
    clear peak was guessed from the others. DIR/photo-1.influence.png has the mesh once for each joint, brighter where
    its vertices move when that joint is hidden. People are numbered as by `mpt reconstruct`, the most prominent first.
    Hands' pictures are named DIR/photo.hand-1.heatmaps.png and so on; the network sees every hand as a right one with
    its fingers up.
    """
    from cli.model_loading import load_reconstructor, settings_in_force
    from cli.outputs import write_png
    from model.explain import explain_person, heatmap_sheet, influence_sheet
    from model.files import check_folder
    from model.formats.photo import decode

    settings, boxes = settings_in_force(), read_boxes(box)
    check_folder(output)
    image = decode(photo.read_bytes(), settings.max_pixels)
    with notes.status("Loading the networks ..."):
        model = load_reconstructor(settings, checkpoint, subject.value, None, device, "torch")
    with notes.status("Looking for hands ..." if subject is Subject.HAND else "Looking for people ..."):
        found = model.reconstruct(image.pixels, boxes=boxes, max_people=max_people, focal_length=image.focal_length)
    if not found.people:
        nothing = "No hand" if subject is Subject.HAND else "Nobody"
        notes.print(f"{nothing} was found in {photo}; --box says where to search.")
    names = model.network.info.joint_names
    stem = answer_name(photo.stem, subject.value)
    with progress_bar(MofNCompleteColumn()) as progress:
        for number, person in enumerate(progress.track(found.people, description="Explaining"), start=1):
            insight = explain_person(model, image.pixels, person)
            pictures = {
                HEATMAPS: heatmap_sheet(insight.picture, insight.heatmaps, names),
                INFLUENCE: influence_sheet(insight, model.faces, names),
            }
            for ending, picture in pictures.items():
                write_png(output / f"{stem}-{number}{ending}", picture)
