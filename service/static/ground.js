// The floor that people stand on: a faint grid, light in the middle, and the soft shadow that a lamp above throws on it.

import {
  CanvasTexture, DirectionalLight, GridHelper, Group, Mesh, MeshBasicMaterial, PlaneGeometry, ShadowMaterial, Vector3,
} from "./vendor/three.js";
import { faint, INK } from "./surroundings.js";

const LAMP = new Vector3(-0.25, 1, 0.3); // where it is from the people's middle: nearly above them

export class Floor extends Group {
  /** At the height `y`, under people in a `box`, y up. */
  constructor(box, y) {
    super();
    const size = box.getSize(new Vector3());
    const centre = box.getCenter(new Vector3()).setY(y);
    const extent = Math.ceil(Math.max(3, 1.6 * Math.max(size.x, size.z)));
    const grid = faint(new GridHelper(extent, 2 * extent, INK, INK), 0.3);
    // On a dark page, too, there must be light for a shadow to be seen.
    const glow = new MeshBasicMaterial({ map: spot(), transparent: true, depthWrite: false });
    const lit = new Mesh(new PlaneGeometry(2 * extent, 2 * extent), glow);
    const shade = new Mesh(new PlaneGeometry(4 * extent, 4 * extent), new ShadowMaterial({ opacity: 0.38, depthWrite: false }));
    shade.receiveShadow = true;
    lit.renderOrder = -2;
    shade.renderOrder = -1;
    for (const part of [lit, shade]) part.rotation.x = -Math.PI / 2;
    for (const part of [grid, lit, shade]) part.position.copy(centre);
    this.add(lit, shade, grid, ...this.lamp(centre, 0.6 * size.length() + 0.5));
  }

  /** A lamp whose shadows reach as far as the people's ball, of this radius. */
  lamp(centre, radius) {
    const lamp = new DirectionalLight("white", 0.5);
    lamp.position.copy(LAMP).setLength(3 * radius).add(centre);
    lamp.target.position.copy(centre);
    lamp.castShadow = true;
    const { camera, mapSize } = lamp.shadow;
    Object.assign(camera, { left: -radius, right: radius, top: radius, bottom: -radius, near: radius, far: 5 * radius });
    mapSize.set(512, 512); // soft as it is, nobody sees more; a processor draws a film's for each frame
    Object.assign(lamp.shadow, { radius: 2.5, blurSamples: 8, bias: -0.0005 });
    return [lamp, lamp.target];
  }

  dispose() {
    for (const part of this.children) {
      part.geometry?.dispose();
      part.material?.map?.dispose();
      part.material?.dispose();
      if (part.isLight) part.dispose();
    }
    this.removeFromParent();
  }
}

/** White in the middle, nothing at the edge. */
function spot() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 256, height: 256 });
  const context = canvas.getContext("2d");
  const glow = context.createRadialGradient(128, 128, 0, 128, 128, 128);
  glow.addColorStop(0, "#ffffff33");
  glow.addColorStop(0.5, "#ffffff1f");
  glow.addColorStop(1, "#ffffff00");
  context.fillStyle = glow;
  context.fillRect(0, 0, 256, 256);
  return new CanvasTexture(canvas);
}
