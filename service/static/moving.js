// The people of a film, who move on the floor of its world as their files say; where in time, somebody else says.

import { AnimationMixer, Box3, GLTFLoader, Group, Quaternion, Vector3 } from "./vendor/three.js";
import { download } from "./api.js";
import { Floor } from "./ground.js";
import { middle, Space } from "./space.js";

const REACH = new Vector3(0.5, 0.85, 0.5); // metres from the pelvis to nearly all else of somebody
const SAMPLES = 24; // of the time, to see where everyone goes
const LENS = { width: 1, height: 1, focalLength: 1.2, principalPoint: [0.5, 0.5] }; // of the first view: it holds a square
const FRAME = 0.05; // seconds that somebody is still shown before and after her own
const loader = new GLTFLoader();

export class MovingStage extends Space {
  people = [];

  /** Shows people by the addresses of their GLBs, at the beginning of their time. Throws a Problem. */
  async show(addresses) {
    const files = await Promise.all(addresses.map(download));
    const loaded = await Promise.all(files.map(async (file) => loader.parseAsync(await file.arrayBuffer(), "")));
    if (this.gone) return;
    this.world = new Group();
    this.people = loaded.map((file) => moving(file));
    this.world.add(...this.people.map(({ scene }) => scene));
    this.scene.add(this.world);
    const box = this.extent();
    const [centre, radius] = middle(box);
    const away = radius / Math.sin(Math.atan(LENS.height / 2 / LENS.focalLength));
    this.world.position.set(-centre.x, -centre.y, -centre.z - away); // the camera that one begins with is at the origin
    this.floor = new Floor(box.translate(this.world.position), -centre.y);
    this.scene.add(this.floor);
    this.photo = LENS;
    this.camera.near = 0.02;
    this.camera.far = 4 * away + 50;
    this.resize();
    this.views.frame(new Vector3(0, 0, -away), radius, true, new Quaternion(), -centre.y);
    this.views.go("turned");
    this.at(0);
  }

  /** When the last one is seen for the last time, in seconds of the film. */
  get duration() {
    return Math.max(0, ...this.people.map(({ last }) => last));
  }

  /** Shows a moment of the film, in seconds. */
  at(seconds) {
    for (const { scene, mixer, first, last } of this.people) {
      mixer.setTime(seconds);
      scene.visible = seconds >= first - FRAME && seconds <= last + FRAME;
    }
    this.renderer.shadowMap.needsUpdate = true;
    this.redraw();
  }

  /** Where people go in all the time, with the floor under them. */
  extent() {
    const box = new Box3();
    for (let sample = 0; sample <= SAMPLES; sample++) {
      this.at((this.duration * sample) / SAMPLES);
      this.world.updateMatrixWorld(true);
      for (const { pelvis } of this.people) box.expandByPoint(pelvis.getWorldPosition(new Vector3()));
    }
    box.expandByVector(REACH);
    box.min.y = 0;
    return box;
  }

  dispose() {
    this.floor?.dispose();
    this.world?.traverse(({ geometry, material, skeleton }) => {
      geometry?.dispose();
      material?.dispose();
      skeleton?.dispose();
    });
    super.dispose();
  }
}

/** What moves a loaded file's person, and from when to when she is seen. */
function moving({ scene, animations: [clip] }) {
  const mixer = new AnimationMixer(scene);
  const first = Math.min(...clip.tracks.map(({ times }) => times[0]));
  const last = Math.max(...clip.tracks.map(({ times }) => times.at(-1)));
  clip.duration = Infinity; // afterwards she stays as she was, instead of beginning anew
  mixer.clipAction(clip).play();
  const track = clip.tracks.find(({ name }) => name.endsWith(".position"));
  const pelvis = scene.getObjectByName(track.name.slice(0, -".position".length));
  scene.traverse((part) => {
    if (!part.isMesh) return;
    part.castShadow = true;
    part.frustumCulled = false; // by the pose in which she was bound, wherever she has walked since
  });
  return { scene, mixer, first, last, pelvis };
}
