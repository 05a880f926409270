// 2D joints over the photo. Joints are COCO's 17, in COCO's order.

const BONES = [
  [0, 1], [0, 2], [1, 3], [2, 4], // face
  [5, 6], [5, 11], [6, 12], [11, 12], // trunk
  [5, 7], [7, 9], [6, 8], [8, 10], // arms
  [11, 13], [13, 15], [12, 14], [14, 16], // legs
];
const COLOURS = ["#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#a855f7", "#06b6d4", "#ec4899", "#84cc16"];
const LEAST_CONFIDENCE = 0.2;

/** The colour of the person with this index, the same in every view. */
export const colourOf = (index) => COLOURS[index % COLOURS.length];

/** Draw every person's joints and bones on a canvas that lies over the photo. */
export function drawSkeletons(canvas, { width, height, people }) {
  // As many pixels as a screen can show, in the photo's proportions
  const scale = Math.min(1, 2048 / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.lineCap = "round";
  people.forEach(({ keypoints_2d, bbox }, index) => {
    const size = Math.max(bbox[2], bbox[3], 64 / scale);
    const seen = (joint) => keypoints_2d[joint][2] >= LEAST_CONFIDENCE;
    for (const [colour, thickness] of [["#ffffffcc", 0.016], [colourOf(index), 0.009]]) {
      context.strokeStyle = colour;
      context.fillStyle = colour;
      context.lineWidth = size * thickness;
      context.beginPath();
      for (const [a, b] of BONES) {
        if (!seen(a) || !seen(b)) continue;
        context.moveTo(keypoints_2d[a][0], keypoints_2d[a][1]);
        context.lineTo(keypoints_2d[b][0], keypoints_2d[b][1]);
      }
      context.stroke();
      keypoints_2d.forEach(([x, y], joint) => {
        if (!seen(joint)) return;
        context.beginPath();
        context.arc(x, y, size * thickness, 0, 2 * Math.PI);
        context.fill();
      });
    }
  });
}
