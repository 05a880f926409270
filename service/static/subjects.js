// People's bodies or their hands: the choice, where the service has both, and the words and bones that go with each.

import { segments } from "./modes.js";

export const SUBJECTS = {
  body: {
    name: "Bodies",
    count: (n) => (n === 1 ? "One person" : `${n} people`),
    one: ({ index }) => `Person ${index + 1}`,
    all: "Everyone",
    file: "person",
    working: "Finding people and lifting them to 3D",
    none: "Nobody was found in this photo. If somebody is there, draw a box around them, or try a photo in which people are larger, or less hidden.",
    missing: "Somebody missing? Draw a box",
    box: "Drag a box around the person, from head to feet.",
    // Pairs of joints with a bone between them. Joints are COCO's 17, in COCO's order.
    bones: [
      [0, 1], [0, 2], [1, 3], [2, 4], // face
      [5, 6], [5, 11], [6, 12], [11, 12], // trunk
      [5, 7], [7, 9], [6, 8], [8, 10], // arms
      [11, 13], [13, 15], [12, 14], [14, 16], // legs
    ],
    thickness: 1,
    stands: true,
  },
  hand: {
    name: "Hands",
    count: (n) => (n === 1 ? "One hand" : `${n} hands`),
    one: ({ handedness, index }) => `${handedness === "left" ? "Left" : "Right"} hand ${index + 1}`,
    all: "All hands",
    file: "hand",
    working: "Finding hands and lifting them to 3D",
    none: "No hand was found in this photo. If one is there, draw a box around it, or try a photo in which hands are larger, or less hidden.",
    missing: "A hand missing? Draw a box",
    box: "Drag a box around the hand, from the wrist to the finger tips.",
    // The wrist, then each finger from its base to its tip.
    bones: [1, 5, 9, 13, 17].flatMap((base) => [[0, base], [base, base + 1], [base + 1, base + 2], [base + 2, base + 3]]),
    thickness: 0.14,
    stands: false,
  },
};

/** Offers the subjects in a fieldset; stays hidden with fewer than two. Calls `choose(subject)`. */
export function offerSubjects(place, subjects, chosen, choose) {
  segments(place, "subject", subjects.map((subject) => [subject, SUBJECTS[subject].name]), chosen, choose);
}
