// 3D joints as balls and bones, drawn before the meshes so that they shine through them.

import {
  CylinderGeometry, Group, InstancedMesh, Matrix4, MeshStandardMaterial, Quaternion, SphereGeometry, Vector3,
} from "./vendor/three.js";
import { toScene } from "./camera.js";
import { colourOf } from "./palette.js";
import { SUBJECTS } from "./subjects.js";

const BALL = new SphereGeometry(0.026, 20, 14);
const BONE = new CylinderGeometry(0.011, 0.011, 1, 12);
const UP = new Vector3(0, 1, 0);

/** One group for each person, in their order. */
export function jointsOf(people, subject) {
  const { bones: pairs, thickness } = SUBJECTS[subject];
  return people.map(({ joints, camera }, index) => {
    const group = new Group();
    group.position.copy(toScene(camera.translation));
    const points = joints.map(toScene);
    const balls = new InstancedMesh(BALL, shiny(colourOf(index)), points.length);
    points.forEach(({ x, y, z }, joint) => {
      balls.setMatrixAt(joint, ball(x, y, z, thickness));
    });
    const bones = new InstancedMesh(BONE, shiny("#f4f6f8"), pairs.length);
    pairs.forEach(([a, b], bone) => {
      bones.setMatrixAt(bone, between(points[a], points[b], thickness));
    });
    for (const part of [bones, balls]) part.renderOrder = 1;
    group.add(bones, balls);
    return group;
  });
}

const ball = (x, y, z, size) => new Matrix4().makeScale(size, size, size).setPosition(x, y, z);

function between(start, end, thickness) {
  const along = end.clone().sub(start);
  const length = along.length();
  const turn = new Quaternion().setFromUnitVectors(UP, along.normalize());
  return new Matrix4().compose(start.clone().add(end).multiplyScalar(0.5), turn, new Vector3(thickness, length, thickness));
}

// Transparent ones are drawn in the order that renderOrder says, after the photo.
const shiny = (color) => new MeshStandardMaterial({ color, roughness: 0.4, metalness: 0, transparent: true });
