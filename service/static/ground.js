// The floor that people stand on: a faint grid, and the soft shadow that a lamp above throws on it.

import {
  DirectionalLight, GridHelper, Group, Mesh, PlaneGeometry, ShadowMaterial, Vector3,
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
    const shade = new Mesh(new PlaneGeometry(4 * extent, 4 * extent), new ShadowMaterial({ opacity: 0.38 }));
    shade.material.depthWrite = false;
    shade.rotation.x = -Math.PI / 2;
    shade.receiveShadow = true;
    for (const part of [grid, shade]) part.position.copy(centre);
    this.add(grid, shade, ...this.lamp(centre, 0.6 * size.length() + 0.5));
  }

  /** A lamp whose shadows reach as far as the people's ball, of this radius. */
  lamp(centre, radius) {
    const lamp = new DirectionalLight("white", 0.5);
    lamp.position.copy(LAMP).setLength(3 * radius).add(centre);
    lamp.target.position.copy(centre);
    lamp.castShadow = true;
    const { camera, mapSize } = lamp.shadow;
    Object.assign(camera, { left: -radius, right: radius, top: radius, bottom: -radius, near: radius, far: 5 * radius });
    mapSize.set(1024, 1024);
    Object.assign(lamp.shadow, { radius: 5, blurSamples: 12, bias: -0.0005 });
    return [lamp, lamp.target];
  }

  dispose() {
    for (const part of this.children) {
      part.geometry?.dispose();
      part.material?.dispose();
      if (part.isLight) part.dispose();
    }
    this.removeFromParent();
  }
}
