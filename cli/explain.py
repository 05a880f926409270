"""`mpt explain`: what the network saw in a photo, and where it looked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.console import notes, results


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
    box: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W,H", help="Where a person is, in pixels; else people are found. Repeat it for more."
        ),
    ] = None,
    max_people: Annotated[int, typer.Option(min=1, metavar="N", help="Explain the N best.")] = 1,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead of the one that the settings name.", show_default=False)
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="cpu, cuda, cuda:1; else what is there.", show_default=False)
    ] = None,
) -> None:
    """Show how the network came to its answer, in two pictures for each person.

    DIR/photo-1.heatmaps.png has the 2D network's heatmap of each joint, with the height of its peak; a joint without a
    clear peak was guessed from the others. DIR/photo-1.attention.png has the mesh once for each joint, brighter where
    its vertices attend to that joint.
    """
    from cli.answers import write_png
    from cli.loading import load_reconstructor, settings_in_force
    from cli.reconstruct import read_boxes
    from model.explain import attention_sheet, heatmap_sheet, look_into
    from service.images import decode

    settings, boxes = settings_in_force(), read_boxes(box or [])
    with notes.status("Loading the networks ..."):
        model = load_reconstructor(settings, checkpoint, "body", None, device, "torch")
    image = decode(photo.read_bytes(), settings.max_pixels)
    if not boxes:
        found = model.reconstruct(image.pixels, max_people=max_people, focal_length=image.focal_length)
        boxes = [person.bbox for person in found.people]
    if not boxes:
        notes.print(f"Nobody was found in {photo}; --box says where somebody is.")
    names = model.network.about.joint_names
    for number, where in enumerate(boxes, start=1):
        insight = look_into(model, image.pixels, where, image.focal_length)
        pictures = {
            "heatmaps": heatmap_sheet(insight.crop, insight.heatmaps, names),
            "attention": attention_sheet(insight, model.faces, names),
        }
        for kind, picture in pictures.items():
            path = output / f"{photo.stem}-{number}.{kind}.png"
            write_png(path, picture)
            results.print(str(path))
