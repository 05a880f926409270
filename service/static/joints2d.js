// 2D joints as they were seen in the photo.

import { colourOf } from "./palette.js";
import { SUBJECTS } from "./subjects.js";

const LEAST_CONFIDENCE = 0.2;

/** Draws people's joints and bones on a canvas that lies over the photo; only the selected one's, unless null. */
export function drawSkeletons(canvas, { width, height, people, subject }, selected) {
  // As many pixels as a screen can show, in the photo's proportions
  const scale = Math.min(2, 2048 / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.lineCap = "round";
  people.forEach((person, index) => {
    if (selected === null || selected === index) drawOne(context, person, SUBJECTS[subject].bones, colourOf(index), 64 / scale);
  });
}

function drawOne(context, { keypoints_2d, bbox }, bones, colour, leastSize) {
  const size = Math.max(bbox[2], bbox[3], leastSize);
  const seen = (joint) => keypoints_2d[joint][2] >= LEAST_CONFIDENCE;
  for (const [ink, thickness] of [["#10141a", 0.0135], ["#ffffff", 0.0085]]) {
    context.strokeStyle = ink;
    context.lineWidth = size * thickness;
    context.beginPath();
    for (const [a, b] of bones) {
      if (!seen(a) || !seen(b)) continue;
      context.moveTo(keypoints_2d[a][0], keypoints_2d[a][1]);
      context.lineTo(keypoints_2d[b][0], keypoints_2d[b][1]);
    }
    context.stroke();
  }
  context.lineWidth = size * 0.004;
  context.strokeStyle = "#10141a";
  context.fillStyle = colour;
  keypoints_2d.forEach(([x, y], joint) => {
    if (!seen(joint)) return;
    context.beginPath();
    context.arc(x, y, size * (joint < 5 ? 0.008 : 0.0125), 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  });
}
