// One answer on its photo: the picture, the meshes before it, the joints, and the views of it all.

import { Box3, Group, Quaternion, Raycaster, Vector2, Vector3 } from "./vendor/three.js";
import { Bodies } from "./meshes.js";
import { fit, toScene } from "./camera.js";
import { Floor } from "./ground.js";
import { jointsOf } from "./joints3d.js";
import { Room } from "./surroundings.js";
import { drawSkeletons } from "./joints2d.js";
import { middle, Space } from "./space.js";
import { SUBJECTS } from "./subjects.js";

const UP = new Vector3(0, 1, 0);

export class Stage extends Space {
  /** Fills a figure of the page's `stage` template. Throws where there is no WebGL. */
  constructor(figure) {
    super(figure.querySelector(".frame"), figure.querySelector(".space"));
    this.image = figure.querySelector("img");
    this.flat = figure.querySelector(".flat");
    this.shown = { blend: 0.45, joints2d: false, joints3d: false, own: false, selected: null };
    this.bodies = this.room = this.floor = null;
    this.joints = [];
    this.turned = new Group(); // the camera's frame, turned so that up is y
    this.scene.add(this.turned);
  }

  /** Shows an answer of the service; its photo is already in the image. A second one of its subject keeps the view. */
  async show(answer) {
    const { people, width, height } = answer;
    const bodies = await Bodies.load(people);
    if (this.gone) return bodies.dispose();
    const first = this.answer?.subject !== answer.subject;
    this.clear();
    const { focal_length: focalLength, principal_point: principalPoint } = people[0].camera;
    this.answer = answer;
    this.photo = { width, height, focalLength, principalPoint };
    this.bodies = bodies;
    this.joints = jointsOf(people, answer.subject);
    this.skeleton = new Group().add(...this.joints);
    drawSkeletons(this.flat, answer, this.shown.selected);
    const before = new Box3().setFromObject(bodies); // the camera
    this.room = new Room(this.photo, this.image, this.flat, before);
    const up = answer.scene ? toScene(answer.scene.up) : UP;
    this.turned.quaternion.copy(new Quaternion().setFromUnitVectors(up, UP));
    this.turned.add(this.bodies, this.skeleton, this.room);
    this.turned.updateMatrixWorld(true);
    const box = new Box3().setFromObject(bodies);
    const ground = SUBJECTS[answer.subject].stands ? groundOf(answer, box) : null;
    if (ground !== null) {
      this.floor = new Floor(box, ground);
      this.scene.add(this.floor);
    }
    this.camera.near = 0.02;
    this.camera.far = -12 * before.min.z + 50;
    this.renderer.shadowMap.needsUpdate = true;
    this.resize();
    this.views.frame(...middle(box), first, this.turned.quaternion, ground);
    this.redraw();
  }

  /**
   * Changes what is shown: blend from photo (0) to mesh (1), joints2d, joints3d, own (a colour for each), selected (an
   * index or null).
   */
  set(change) {
    const reselected = "selected" in change && change.selected !== this.shown.selected;
    Object.assign(this.shown, change);
    if (reselected && this.bodies) {
      const { selected } = this.shown;
      drawSkeletons(this.flat, this.answer, selected);
      this.room.refresh();
      const box = new Box3().setFromObject(this.bodies.meshes[selected] ?? this.bodies);
      this.views.lookAt(...middle(box));
    }
    this.redraw();
  }

  /** The index of the person whose mesh is at a pointer event, or null. */
  personAt(event) {
    if (!this.bodies) return null;
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const place = new Vector2(((event.clientX - left) / width) * 2 - 1, 1 - ((event.clientY - top) / height) * 2);
    const ray = new Raycaster();
    ray.setFromCamera(place, this.camera);
    return ray.intersectObjects(this.bodies.meshes)[0]?.object.userData.index ?? null;
  }

  draw() {
    const { blend, joints2d, joints3d, own, selected } = this.shown;
    const { atHome } = this.views;
    const photo = Math.min(1, 2 - 2 * blend);
    // Through the photo's camera one sees the photo itself, sharper than any texture.
    this.image.style.visibility = atHome ? "visible" : "hidden";
    this.image.style.opacity = photo;
    this.flat.hidden = !(joints2d && atHome);
    if (!this.bodies) return super.draw();
    const solid = atHome ? Math.min(1, 2 * blend) : Math.ceil(blend); // seen from elsewhere there is nothing behind them
    this.bodies.paint(solid * (joints3d ? 0.5 : 1), selected, own);
    this.joints.forEach((one, index) => {
      one.visible = joints3d && (selected === null || selected === index);
    });
    this.room.visible = !atHome;
    if (this.floor) this.floor.visible = !atHome;
    this.room.paint(photo, joints2d);
    super.draw();
  }

  /** What is seen now, as a PNG. */
  async picture() {
    this.draw(); // in the same breath: WebGL forgets its picture once the screen has it
    const { width, height } = this.canvas;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.fillStyle = getComputedStyle(this.frame).backgroundColor;
    context.fillRect(0, 0, width, height);
    const { left, top, scale } = fit(this.photo, width, height);
    const place = [left, top, scale * this.photo.width, scale * this.photo.height];
    if (this.views.atHome && this.image.naturalWidth) {
      context.globalAlpha = Number(this.image.style.opacity);
      context.drawImage(this.image, ...place);
      context.globalAlpha = 1;
    }
    context.drawImage(this.canvas, 0, 0);
    if (!this.flat.hidden) context.drawImage(this.flat, ...place);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  clear() {
    this.bodies?.dispose();
    this.room?.dispose();
    this.floor?.dispose();
    this.skeleton?.removeFromParent();
    this.bodies = this.room = this.floor = null;
    this.joints = [];
  }

  dispose() {
    this.clear();
    super.dispose();
  }
}

/** How high the ground is, with the camera at 0 and y up: as the answer says, or else under the lowest foot. */
const groundOf = ({ scene }, box) => (scene?.ground ? -scene.ground.camera_height : box.min.y);
