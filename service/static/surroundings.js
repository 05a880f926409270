// What one sees besides the people after turning: the photo as a picture in space, and its camera.

import {
  BufferGeometry, CanvasTexture, Float32BufferAttribute, Group, LineBasicMaterial, LineSegments, Mesh,
  MeshBasicMaterial, SRGBColorSpace, Vector3,
} from "./vendor/three.js";
import { corners } from "./camera.js";

const LARGEST = 4096; // pixels on a texture's side, which every graphics card can
export const INK = "#8a94a3";

export class Room extends Group {
  /**
   * `photo` has width, height, focalLength and principalPoint; `image` and `joints` are what to show on it; `box` holds
   * the people, in the camera's frame.
   */
  constructor(photo, image, joints, box) {
    super();
    const size = box.getSize(new Vector3());
    const distance = -box.min.z + 0.15 * Math.max(...size) + 0.1;
    const edges = corners(photo, distance);
    this.picture = sheet(edges, textureOf(image), 0);
    this.joints = sheet(edges, new CanvasTexture(joints), 4);
    this.joints.material.map.colorSpace = SRGBColorSpace;
    this.add(this.picture, this.joints, frustum(edges));
  }

  /** Shows the photo at this opacity, and the 2D joints on it or not. */
  paint(opacity, joints) {
    this.picture.material.opacity = opacity;
    this.joints.visible = joints;
  }

  /** To be called when the canvas with the joints was drawn again. */
  refresh() {
    this.joints.material.map.dispose(); // its size may have changed
    this.joints.material.map.needsUpdate = true;
  }

  dispose() {
    for (const { geometry, material } of this.children) {
      geometry.dispose();
      material.map?.dispose();
      material.dispose();
    }
    this.removeFromParent();
  }
}

/** A flat picture with these corners, seen from its front only. */
function sheet([upperLeft, upperRight, lowerRight, lowerLeft], map, renderOrder) {
  const geometry = new BufferGeometry();
  const places = [lowerLeft, lowerRight, upperRight, upperLeft].flatMap((corner) => corner.toArray());
  geometry.setAttribute("position", new Float32BufferAttribute(places, 3));
  geometry.setAttribute("uv", new Float32BufferAttribute([0, 0, 1, 0, 1, 1, 0, 1], 2));
  geometry.setIndex([0, 1, 2, 0, 2, 3]);
  const mesh = new Mesh(geometry, new MeshBasicMaterial({ map, transparent: true, depthWrite: false }));
  mesh.renderOrder = renderOrder;
  return mesh;
}

/** The photo, or nothing where the browser cannot show it. */
function textureOf(image) {
  const scale = Math.min(1, LARGEST / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  if (image.naturalWidth) canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  texture.anisotropy = 8;
  return texture;
}

/** The lines from the camera to the photo's corners, and about the photo. */
function frustum(edges) {
  const eye = new Vector3();
  const lines = edges.flatMap((corner, index) => [eye, corner, corner, edges[(index + 1) % 4]]);
  const geometry = new BufferGeometry().setFromPoints(lines);
  return faint(new LineSegments(geometry, new LineBasicMaterial({ color: INK })), 0.45);
}

export function faint(lines, opacity) {
  Object.assign(lines.material, { transparent: true, opacity, depthWrite: false });
  return lines;
}
