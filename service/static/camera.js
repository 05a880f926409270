// The photo's own camera, as the service returns it, for three.js.
//
// A point (x, y, z) of the camera frame (x right, y down, z forward, metres) is at focal_length * (x, y) / z +
// principal_point in the photo, in pixels. three.js looks along -z with y up: there the same point is (x, -y, -z).

import { Vector3 } from "./vendor/three.js";

/** A point of the service's camera frame in three.js' frame. */
export const toScene = ([x, y, z]) => new Vector3(x, -y, -z);

/** Where a photo lies in a frame that it fits into as a whole: left, top, and its scale. */
export function fit(photo, width, height) {
  const scale = Math.min(width / photo.width, height / photo.height);
  return { left: (width - scale * photo.width) / 2, top: (height - scale * photo.height) / 2, scale };
}

/** Makes a PerspectiveCamera at the origin see what the photo's camera saw, in a frame of this size. */
export function aim(camera, photo, width, height) {
  const { left, top, scale } = fit(photo, width, height);
  const focal = scale * photo.focalLength;
  camera.aspect = width / height;
  camera.fov = (2 * Math.atan(height / 2 / focal) * 180) / Math.PI;
  // three.js puts the optical axis into the frame's middle; the photo's is at its principal point.
  const x = width / 2 - (left + scale * photo.principalPoint[0]);
  const y = height / 2 - (top + scale * photo.principalPoint[1]);
  camera.setViewOffset(width, height, x, y, width, height);
}

/** Where the photo's corners are at a distance: upper left, upper right, lower right, lower left. */
export function corners({ width, height, focalLength, principalPoint: [x, y] }, distance) {
  const at = (column, row) =>
    toScene([((column - x) * distance) / focalLength, ((row - y) * distance) / focalLength, distance]);
  return [at(0, 0), at(width, 0), at(width, height), at(0, height)];
}
