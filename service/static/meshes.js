// The meshes of an answer: fetched, in the clothes that their files have, and drawn so that they may be seen through.

import {
  Color, GLTFLoader, Group, LessEqualDepth, Mesh, MeshBasicMaterial, MeshStandardMaterial,
} from "./vendor/three.js";
import { toScene } from "./camera.js";
import { colourOf } from "./palette.js";
import { download } from "./api.js";

const GREY = new Color("#9aa3ad");
const WHITE = new Color("white");
const loader = new GLTFLoader();

// Only depth: drawn first, so that a mesh that is seen through does not show its own far side.
const DEPTH_ONLY = new MeshBasicMaterial({ colorWrite: false, transparent: true });

export class Bodies extends Group {
  /** Fetches the meshes of `people` and puts each one where its camera says. */
  static async load(people) {
    const bodies = new Bodies();
    const files = await Promise.all(people.map(({ mesh }) => download(mesh.glb)));
    const parts = await Promise.all(files.map(async (file) => loader.parseAsync(await file.arrayBuffer(), "")));
    parts.forEach(({ scene }, index) => {
      bodies.addPerson(scene, people[index], index);
    });
    return bodies;
  }

  addPerson(scene, { camera }, index) {
    scene.traverse(({ geometry, material }) => {
      if (!geometry) return;
      material.dispose();
      const own = new Color(colourOf(index)).lerp(new Color("white"), 0.12);
      const skin = new MeshStandardMaterial({ roughness: 0.75, metalness: 0, depthFunc: LessEqualDepth });
      const depth = new Mesh(geometry, DEPTH_ONLY);
      const body = new Mesh(geometry, skin);
      for (const mesh of [depth, body]) mesh.position.copy(toScene(camera.translation));
      depth.renderOrder = 2;
      body.renderOrder = 3;
      body.castShadow = true;
      body.userData = { index, own, depth };
      this.add(depth, body);
    });
  }

  /** The coloured meshes, in the order of the people. */
  get meshes() {
    return this.children.filter((child) => "index" in child.userData);
  }

  /**
   * Shows them all at an opacity, dressed or each in a colour of its own; those who are not the selected one (an index
   * or null) fainter and grey.
   */
  paint(opacity, selected, own) {
    for (const { geometry, material, userData } of this.meshes) {
      const chosen = selected === null || selected === userData.index;
      const dressed = !own && "color" in geometry.attributes;
      if (material.vertexColors !== dressed) Object.assign(material, { vertexColors: dressed, needsUpdate: true });
      material.color.copy(dressed ? WHITE : userData.own);
      if (!chosen) material.color.lerp(GREY, 0.75);
      material.opacity = opacity * (chosen ? 1 : 0.4);
      material.transparent = userData.depth.visible = material.opacity < 1;
    }
    this.visible = opacity > 0;
  }

  dispose() {
    for (const { geometry, material } of this.meshes) {
      geometry.dispose();
      material.dispose();
    }
    this.removeFromParent();
  }
}
