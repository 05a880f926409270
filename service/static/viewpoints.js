// From where one looks: through the photo's camera, from the front, the side or above, or from wherever one turns to.

import { OrbitControls, Quaternion, Vector3 } from "./vendor/three.js";

const FLIGHT = 650; // milliseconds
const STEP = Math.PI / 24; // of an arrow key
const ABOVE = 0.05; // metres over the floor: nobody looks at it from below
const CLICK = 5; // pixels: who moves less did not mean to turn
const ANGLES = { turned: [0.62, 1.34], side: [Math.PI / 2, Math.PI / 2], top: [0, 0.12] }; // about y, from y

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Moves a camera; fires "change" at each step, "view" (detail: name) and "pick" (detail: the pointer event). */
export class Views extends EventTarget {
  constructor(camera, canvas) {
    super();
    this.camera = camera;
    this.name = "photo";
    this.flying = false;
    this.canvas = canvas;
    this.controls = new OrbitControls(camera, canvas);
    this.controls.addEventListener("change", () => this.turned());
    this.turn = new Quaternion(); // of the photo's camera
    this.floor = null;
    this.controls.addEventListener("start", () => this.stop());
    this.home = { target: new Vector3(0, 0, -4), radius: 4, theta: 0, phi: Math.PI / 2 };
    this.bounds = { centre: this.home.target, radius: 1 };
    this.watchPointer();
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.moveTo(this.home);
    this.enter("photo");
  }

  /**
   * Has people about `centre`, all within `radius`; goes to the photo's camera if told to, or if there already. That one
   * is at the origin, turned by `turn`; the floor is at the height `floor`, or there is none (null).
   */
  frame(centre, radius, home, turn, floor) {
    this.stop();
    this.bounds = { centre, radius };
    this.turn.copy(turn);
    this.floor = floor;
    // One turns about the people's distance straight ahead, so that turning begins without a jump.
    const depth = Math.max(-centre.clone().applyQuaternion(turn.clone().invert()).z, 0.1);
    const away = new Vector3(0, 0, depth).applyQuaternion(turn);
    this.home = { ...pose(away), target: away.negate() };
    this.controls.minDistance = 0.2 * radius;
    this.controls.maxDistance = 4 * depth + 10 * radius;
    if (!home && this.name !== "photo") return;
    this.moveTo(this.home, this.turn);
    this.enter("photo");
  }

  /** Flies to one of the views: photo, turned, side, top. */
  go(name) {
    this.stop();
    const goal = name === "photo" ? this.home : this.poseOf(name);
    this.enter(name);
    const start = this.now();
    if (still.matches) return this.arrive(goal);
    this.flying = true;
    const began = performance.now();
    const fly = (time) => {
      const t = Math.min(1, Math.max(0, (time - began) / FLIGHT));
      if (t === 1) return this.arrive(goal);
      const s = t * t * (3 - 2 * t);
      const between = (a, b) => a + s * (b - a);
      this.moveTo({
        target: start.target.clone().lerp(goal.target, s),
        radius: between(start.radius, goal.radius),
        theta: between(start.theta, goal.theta),
        phi: between(start.phi, goal.phi),
      });
      this.flight = requestAnimationFrame(fly);
    };
    this.flight = requestAnimationFrame(fly);
  }

  /** Looks at other people from now on; flies there unless one looks through the photo's camera. */
  lookAt(centre, radius) {
    this.bounds = { centre, radius };
    if (this.name in ANGLES) this.go(this.name);
  }

  /** Takes another camera's place and view. */
  follow(other) {
    this.stop();
    this.flying = other.flying;
    this.moveTo(other.now(), other.camera.quaternion);
    if (other.name !== this.name) this.enter(other.name, true);
  }

  get atHome() {
    return this.name === "photo" && !this.flying;
  }

  poseOf(name) {
    const [theta, phi] = ANGLES[name];
    const narrow = Math.min(1, this.camera.aspect) * Math.tan((this.camera.fov * Math.PI) / 360);
    return { target: this.bounds.centre, radius: this.bounds.radius / Math.sin(Math.atan(narrow)), theta, phi };
  }

  now() {
    const { target } = this.controls;
    return { ...pose(this.camera.position.clone().sub(target)), target: target.clone() };
  }

  /** Goes to a pose, upright, or turned as it says. */
  moveTo({ target, radius, theta, phi }, turn = null) {
    this.camera.position.setFromSphericalCoords(radius, phi, theta).add(target);
    if (turn) this.camera.quaternion.copy(turn);
    else this.camera.lookAt(target);
    this.controls.target.copy(target);
    this.moved();
  }

  /** What the controls did, but never below the floor. */
  turned() {
    const { target, radius, theta, phi } = this.now();
    const least = this.floor === null ? -Infinity : this.floor + ABOVE;
    if (this.name !== "photo" && (target.y < least || this.camera.position.y < least)) {
      target.y = Math.max(target.y, least);
      this.moveTo({ target, radius, theta, phi: Math.min(phi, Math.acos(Math.max(-1, (least - target.y) / radius))) });
    } else this.moved();
  }

  arrive(goal) {
    this.flying = false;
    this.moveTo(goal, goal === this.home ? this.turn : null);
  }

  stop() {
    cancelAnimationFrame(this.flight);
    this.flying = false;
  }

  moved() {
    this.dispatchEvent(new Event("change"));
  }

  enter(name, quietly = false) {
    this.name = name;
    const free = name !== "photo";
    this.controls.enableZoom = free; // over the photo the wheel scrolls the page
    this.controls.enablePan = free;
    this.canvas.style.touchAction = free ? "none" : "pan-y";
    if (!quietly) this.dispatchEvent(new CustomEvent("view", { detail: name }));
  }

  watchPointer() {
    let down = null;
    this.canvas.addEventListener("pointerdown", ({ clientX: x, clientY: y }) => (down = { x, y, turning: false }));
    this.canvas.addEventListener("pointermove", (event) => {
      if (down === null || down.turning) return;
      if (Math.hypot(event.clientX - down.x, event.clientY - down.y) < CLICK) return;
      down.turning = true;
      this.enter("turning");
    });
    this.canvas.addEventListener("pointercancel", () => (down = null));
    this.canvas.addEventListener("pointerup", (event) => {
      if (down === null) return;
      const clicked = !down.turning;
      down = null;
      if (!clicked) return;
      if (this.name === "photo") this.moveTo(this.home, this.turn); // a finger is never quite still
      this.dispatchEvent(new CustomEvent("pick", { detail: event }));
    });
  }

  key(event) {
    const act = {
      ArrowLeft: () => this.controls.rotateLeft(STEP),
      ArrowRight: () => this.controls.rotateLeft(-STEP),
      ArrowUp: () => this.controls.rotateUp(STEP),
      ArrowDown: () => this.controls.rotateUp(-STEP),
      "+": () => this.controls.dollyIn(0.9),
      "=": () => this.controls.dollyIn(0.9),
      "-": () => this.controls.dollyOut(0.9),
      0: () => this.go("photo"),
      Home: () => this.go("photo"),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.stop();
    if (event.key !== "0" && event.key !== "Home") this.enter("turning");
    act();
  }
}

/** Radius, angle about y and angle from y of a vector from what one looks at to the camera. */
function pose(away) {
  const radius = away.length();
  return { radius, theta: Math.atan2(away.x, away.z), phi: Math.acos(away.y / radius) };
}
