"""`mpt explain`: what the network saw in a photo, and where it looked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.console import notes, results
from cli.options import Boxes, Checkpoint, Device, OfSubject, Subject, read_boxes


def explain(
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO", dir_okay=False, help="A photo (JPEG, PNG, WebP).", show_default=False)
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
        typer.Option(min=1, metavar="N", help="Explain the N best; else the best one, or all that boxes name."),
    ] = None,
    checkpoint: Checkpoint = None,
    device: Device = None,
) -> None:
    """Show how the network came to its answer, in two pictures for each person or hand.

    DIR/photo-1.heatmaps.png has the 2D network's heatmap of each joint, with the height of its peak; a joint without a
    clear peak was guessed from the others. DIR/photo-1.attention.png has the mesh once for each joint, brighter where
    its vertices attend to that joint. The network looks at every hand as a right one with its fingers up.
    """
    from cli.model_loading import load_reconstructor, settings_in_force
    from cli.outputs import write_png
    from model.explain import attention_sheet, heatmap_sheet, look_into
    from model.formats.photo import decode

    settings, boxes = settings_in_force(), read_boxes(box)
    with notes.status("Loading the networks ..."):
        model = load_reconstructor(settings, checkpoint, subject.value, None, device, "torch")
    image = decode(photo.read_bytes(), settings.max_pixels)
    most = max_people or (None if boxes else 1)
    found = model.reconstruct(image.pixels, boxes=boxes, max_people=most, focal_length=image.focal_length)
    if not found.people:
        nothing = "No hand" if subject is Subject.HAND else "Nobody"
        notes.print(f"{nothing} was found in {photo}; --box says where to look.")
    names = model.network.about.joint_names
    for number, person in enumerate(found, start=1):
        insight = look_into(model, image.pixels, person)
        pictures = {
            "heatmaps": heatmap_sheet(insight.crop, insight.heatmaps, names),
            "attention": attention_sheet(insight, model.faces, names),
        }
        for kind, picture in pictures.items():
            path = output / f"{photo.stem}-{number}.{kind}.png"
            write_png(path, picture)
            results.print(str(path))
