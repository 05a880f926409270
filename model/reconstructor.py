"""From a photo to people: the one place where photos meet the networks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from model import inputs
from model.body.garment import Garment
from model.body.rig import Rig
from model.body.rig_file import find_rig
from model.body.suit import find_worn
from model.interfaces import Box, Network
from model.people import extent, lifted_again, without_silhouettes
from model.perception.bars import shown_part
from model.perception.bone_depths import BoneReader
from model.perception.crop_regressor import CropRegressor
from model.perception.detection import Detection
from model.perception.exposure import well_exposed
from model.perception.following import follow_people
from model.perception.hands import Landmarker
from model.perception.landmarks import SURE
from model.perception.panels import FAR, are_apart, panels_of
from model.perception.pose_choice import Belief, belief_in
from model.perception.subjects import SUBJECTS
from model.results import Person, Reconstruction
from model.runtime.hand_landmarks import HandLandmarks
from model.runtime.loading import open_network
from model.scene.lines import find_lines
from model.scene.up import Tilt
from model.seeing import Sight
from model.standing import Known, stand
from model.whole_body import WholeBodies

MeshKind = Literal["body", "raw"]
Bodies = Literal["refined", "fitted"]
HandsMode = Literal["auto", "off"]

Colors = Literal["plain", "person"]


class Reconstructor:
    """Finds the people, or the hands, in a photo and reconstructs each one's joints and mesh.

    Thread-safe as long as callers do not change it: inference holds no state.

    Attributes:
        network: what runs the networks.
        landmarks_from: mean height of the joints' heatmaps from which people are seen by BlazePose, if it was loaded,
            and not by the mesh network's own backbone: 0 for always, above 1 for never.
        seen_twice: people at most in a photo whom BlazePose all sees twice; of more it would take seconds.
        crowd_from: people in a photo from whom on it sees nobody twice, and is believed sooner.
        garment: the colours of the meshes' vertices.
        rig: of the bodies that are fitted to the meshes, dressed as people get them; None if such meshes have none.

    Args:
        network: what runs the networks.
        rig: a rig's file, which serves if it is for the network's mesh; else the one that comes with the project.
        hands: the network that sees hands' landmarks; None lets all bodies' hands hang relaxed.

    Raises:
        BadData: the rig's file cannot be used.
    """

    def __init__(self, network: Network, rig: Path | None = None, hands: Landmarker | None = None):
        self.network = network
        count, names = network.info.vertex_count, network.info.joint_names
        bare = find_rig(count, rig) if network.info.subject == "body" else None
        self.rig: Rig | None = None if bare is None else find_worn(count, rig)
        self._bodies = None if bare is None or self.rig is None else WholeBodies(bare, self.rig, names, hands)
        self._bones = BoneReader.shipped() if network.info.lifts and network.info.subject == "body" else None
        self.landmarks_from = SURE
        self.seen_twice, self.crowd_from = 4, 9
        about = network.info
        self.model_name, self.modes, self.card = about.name, (about.mode,), about.card
        self.faces: np.ndarray = about.faces
        # A left hand is a right one mirrored, which turns its faces inside out.
        self._outward = (about.faces, np.ascontiguousarray(about.faces[:, ::-1]))
        self.subject = about.subject
        self._subject = SUBJECTS[about.subject]
        self.garment = Garment(about.vertex_count, self.rig, hand=about.subject == "hand")

    def info(self) -> dict[str, Any]:
        """What is loaded: name, size, engine, numbers of joints and vertices, and scores as its card has them."""
        about, scores = self.network.info, self.card.get("validation")
        return {
            "name": about.name,
            "subject": about.subject,
            "size": about.size,
            "engine": self.network.runtime,
            "joints": len(about.joint_names),
            "vertices": about.vertex_count,
            "scores": {"validation": scores} if scores else {},
        }

    @classmethod
    def load(
        cls,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        engine: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        subject: str = "body",
        landmarks: bool = True,
        rig: Path | None = None,
    ) -> Reconstructor:
        """Loads the networks from the weights at hand.

        Args:
            checkpoint: a checkpoint file, or one exported to ONNX; None for the one that comes with the project.
            device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".
            engine: "torch", "onnx", or "auto" for the fastest that is there.
            precision: of PyTorch's convolutions: "float32", "float16", "bfloat16", or "auto" for the device's best.
            threads: how many a forward pass may use on the CPU; None for one a core.
            subject: "body" or "hand": which of the project's own checkpoints, if none is named.
            landmarks: whether people are seen by BlazePose where it is sure, see `landmarks_from`, or by the mesh
                network's own backbone alone.
            rig: see the class.

        Raises:
            WeightsMissing: when a network's file is not on this machine; says how to get it.
            BadCheckpoint: when the checkpoint cannot be used.
            BadInput: when there is no such device or engine here.
            BadData: when the rig cannot be used.
        """
        path = Path(checkpoint) if checkpoint else None
        network = open_network(path, device, engine, precision, threads, subject, landmarks)
        hands = None
        onnx = network.runtime.startswith("ONNX")
        if network.info.subject == "body" and HandLandmarks.is_there(onnx):
            hands = HandLandmarks(device, onnx, threads)
        return cls(network, rig, hands)

    def reconstruct(
        self,
        image: np.ndarray,
        *,
        boxes: Sequence[Box] | None = None,
        max_people: int | None = None,
        focal_length: float | None = None,
        pitch: float | Tilt | None = None,
        camera_height: float | None = None,
        person_height: float | None = None,
        ground: bool = True,
        colors: Colors = "plain",
        mesh: MeshKind = "body",
        hands: HandsMode = "auto",
        twice: bool = True,
        bodies: Bodies = "refined",
    ) -> Reconstruction:
        """Reconstructs the people in a photo, the most prominent first (or in the order of `boxes`).

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            boxes: people's boxes if they are neighbours; None to find them.
            max_people: keeps only this many.
            focal_length: pixels; None assumes the picture's diagonal, as a 43 mm lens before 35 mm film has it, and of
                a collage three times that.
            pitch: degrees by which the camera looks above the horizon, negative for down, or what else is known of how
                it was held; None for what the people say.
            camera_height: metres that the camera is above the ground, if it is known.
            person_height: metres that the first person is tall, if it is known: all sizes and distances follow.
            ground: whether to find which way is up and the ground, and to give people the sizes that they have on it;
                of a film that is found in all frames together, for which single ones would disagree.
            colors: of the meshes' vertices: "plain" dresses everybody alike, "person" each one in a colour of her own.
            mesh: "body" for the body that is fitted to the network's mesh and refined to the joints that were seen,
                where there is a rig for it; "raw" for the network's own mesh and joints.
            hands: "auto" lets hands that are surely seen pose wrists and fingers of the bodies that they belong to,
                and the others hang relaxed; "off" all.
            twice: whether BlazePose sees everybody a second time, in the mirror, if there are few people (see
                `seen_twice`): 1 to 2 mm nearer, for the time of its pass. Otherwise only who is in doubt is.
            bodies: "refined" to what was seen, and in the place of the network's meshes; "fitted" to them as `body`
                alone, as a film's are, which are refined in all frames together.

        Raises:
            BadInput: when the image, a box, a number or a word cannot be used, or tells nothing of hands, the subject.
        """
        started = time.perf_counter()
        for word, choices in ((colors, Colors), (mesh, MeshKind), (hands, HandsMode), (bodies, Bodies)):
            inputs.check_choice(word, choices)
        if self.subject == "hand":
            angle = None if isinstance(pitch, Tilt) else pitch
            inputs.check_for_hands(angle, camera_height, person_height, hands, colors)
        inputs.check_count(max_people, "max_people")
        height, width = inputs.check_image(image).shape[:2]
        known = Known.checked(pitch, camera_height, person_height, ground)
        # A film's frames must agree, and hands are not made up in bars.
        body_photo = self.subject == "body" and bodies == "refined"
        shown = shown_part(image) if body_photo else None
        photo, image = image, well_exposed(image, shown)
        if boxes is None:
            found = self._subject.detect(self.network, image, bodies == "refined")
            if bodies == "fitted":  # in a film's other frames there is more to see of the faint
                found = [detection for detection in found if not detection.faint]
        else:
            found = self._subject.in_boxes(self.network, image, [inputs.check_box(box, width, height) for box in boxes])
        panels = panels_of(photo, shown) if body_photo and found else []
        picture = (width, height) if shown is None else (round(shown[2]), round(shown[3]))
        focal = inputs.check_focal_length(focal_length, *picture)
        surely = [detection for detection in found if not detection.faint]
        if focal_length is None and are_apart([detection.box for detection in surely], panels):
            focal *= FAR
        detected = time.perf_counter()

        regress = CropRegressor(self.network, image, focal, shown, panels, self._bones)
        wanted = len(found) if max_people is None else max_people
        sure, count = self.landmarks_from, min(wanted, len(surely))
        belief = belief_in(sure, count, self.seen_twice, self.crowd_from) if twice else Belief(sure)
        sight = Sight(regress, self._outward, belief)
        people = sight.people(found, wanted) if boxes is None else sight.in_boxes(found[:wanted])
        own = colors == "person"
        answered: list[Person] = []
        scene = None
        people = [
            replace(person, colors=self.garment.colors(number if own else None)) for number, person in enumerate(people)
        ]
        reconstructed = time.perf_counter()
        if mesh == "body" and self._bodies is not None and people:
            answered = people if bodies == "refined" else []
            people = self._bodies.fit(people) if bodies == "refined" else self._bodies.fit_frame(people)
            if bodies == "refined" and hands == "auto":
                people = self._bodies.with_hands(people, image)
        else:
            people = without_silhouettes(people)
        fitted = time.perf_counter()
        if self.subject == "body" and ground:
            outlines = [] if known.upright else [extent(person) for person in people]
            lines = None if known.upright else find_lines(image, focal, regress.principal_point, outlines, shown)
            looked_at = image if hands == "auto" else None
            people, scene = stand(people, known, lines, self._bodies, answered, looked_at)
        times = (started, detected, reconstructed, fitted, time.perf_counter())
        stages = ("detection", "reconstruction", "fitting", "ground")
        timings = {stage: 1000 * (end - begin) for stage, begin, end in zip(stages, times, times[1:])}
        return Reconstruction(people, timings, photo, scene)

    def follow(self, image: np.ndarray, people: Sequence[Person], mesh: MeshKind = "body") -> list[Person] | None:
        """Reconstructs the same people in the next frame of a film, where nobody is looked for: much faster.

        Args:
            image: (H, W, 3) uint8 RGB, of the size of the one before.
            people: as `reconstruct` or this answered for the frame before, of the same `mesh`.
            mesh: see `reconstruct`; bodies are fitted, not refined.

        Returns:
            They in the same order and with the same focal length and colours, in the sizes that the network gives
            them; None if one of them is not surely there any more.
        """
        image = well_exposed(inputs.check_image(image))
        if not people or not self.network.info.lifts:
            return None
        regress = CropRegressor(self.network, image, people[0].camera.focal_length, bones=self._bones)
        before = [
            Detection(person.bbox, person.score, person.keypoints_2d) if person.landmarks_2d is not None else None
            for person in people
        ]
        found = follow_people(before, regress, self.landmarks_from)
        if found is None:
            return None
        sight = Sight(regress, self._outward, Belief(self.landmarks_from))
        now = [replace(sight.person(*pair), colors=person.colors) for pair, person in zip(found, people, strict=True)]
        if mesh == "raw" or self._bodies is None:
            return without_silhouettes(now)
        return self._bodies.fit_frame(now, people)

    def lift_again(self, people: Sequence[Person], mesh: MeshKind = "body") -> list[Person] | None:
        """A few people of a film's frames with keypoints, landmarks and depths changed, as the network has them now.

        Args:
            people: otherwise as `reconstruct` or `follow` answered, of the same `mesh` and one focal length.
            mesh: see `reconstruct`; bodies are fitted, not refined.

        Returns:
            They, with vertices; None if the network does not lift keypoints.
        """
        if not people or not self.network.info.lifts:
            return None
        again = lifted_again(people, self.network)
        return again if mesh == "raw" or self._bodies is None else self._bodies.fit_frame(again)

    def see_hands(self, image: np.ndarray, people: Sequence[Person]) -> list[Person]:
        """The same people of a film's frame, with the joints of their hands that are surely seen.

        Args:
            image: (H, W, 3) uint8 RGB.
            people: as `follow`, or `reconstruct` with `bodies="fitted"`, answered for it.
        """
        return list(people) if self._bodies is None else self._bodies.see_hands(people, well_exposed(image))
