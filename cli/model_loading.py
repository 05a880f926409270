"""The networks for a command: chosen by its options and the settings, fetched at the first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_settings import SettingsError

from model.errors import BadInput, WeightsMissing
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from model.reconstructor import Reconstructor


def settings_in_force() -> Settings:
    """The service's settings: the command line heeds the same.

    Raises:
        BadInput: A setting cannot be used.
    """
    try:
        return read_settings()
    except SettingsError as error:
        raise BadInput(str(error)) from None


def load_reconstructor(
    settings: Settings, checkpoint: Path | None, subject: str, mode: str | None, device: str | None, engine: str
) -> Reconstructor:
    """Load the checkpoint that was named, or else the one that the settings have for the subject and the mode.

    Args:
        settings: The settings in force.
        checkpoint: A checkpoint's file.
        subject: "body" or "hand".
        mode: "zero-shot" or "fine-tuned"; None takes what the checkpoint is, zero-shot without one.
        device: "auto", "cpu", "cuda" and the like; None for the settings'.
        engine: As `Reconstructor.load` takes it.

    Raises:
        BadInput: There is no checkpoint for this subject or mode, or no such device.
        BadCheckpoint: The checkpoint cannot be used.
        WeightsMissing: A network is not on this machine and could not be fetched.
    """
    if checkpoint is None and subject == "hand":
        checkpoint = settings.hand_checkpoint
    elif checkpoint is None:
        checkpoint = settings.fine_tuned_checkpoint if mode == "fine-tuned" else settings.checkpoint
        if mode == "fine-tuned" and checkpoint is None:
            raise BadInput("No fine-tuned checkpoint is set: name one by --checkpoint or MPT_FINE_TUNED_CHECKPOINT.")

    from model.reconstructor import Reconstructor

    def load() -> Reconstructor:
        return Reconstructor.load(
            checkpoint,
            device=device or settings.device,
            engine=engine,
            subject=subject,
            landmarks=settings.landmarks,
            rig=settings.rig,
        )

    try:
        model = load()
    except WeightsMissing:
        from weights.fetch import fetch

        fetch()
        model = load()
    if model.subject != subject:
        raise BadInput(f"{checkpoint} is for --subject {model.subject}, not {subject}.")
    if mode is not None and mode not in model.modes:
        raise BadInput(f"{checkpoint or 'The checkpoint'} is for --mode {' or '.join(model.modes)}, not {mode}.")
    return model
