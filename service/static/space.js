// A canvas in which bodies stand: what draws it, its lamps, and the camera with the views that one has of it.

import {
  DirectionalLight, HemisphereLight, PerspectiveCamera, Scene, Vector3, VSMShadowMap, WebGLRenderer,
} from "./vendor/three.js";
import { aim } from "./camera.js";
import { Views } from "./viewpoints.js";

export class Space {
  /** Fills a frame's canvas. Throws where there is no WebGL. */
  constructor(frame, canvas) {
    this.frame = frame;
    this.canvas = canvas;
    this.photo = null; // the camera that is at the origin, as `aim` wants it; nothing is drawn before there is one
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    Object.assign(this.renderer.shadowMap, { enabled: true, type: VSMShadowMap, autoUpdate: false });
    this.scene = new Scene();
    this.camera = new PerspectiveCamera();
    this.views = new Views(this.camera, canvas);
    this.views.addEventListener("change", () => this.redraw());
    const sun = new DirectionalLight("white", 2.1);
    sun.position.set(-0.39, 0.58, 0.71); // as in model/rendering/overlay.py
    this.camera.add(sun, sun.target); // it goes with the camera: the side one looks at is always lit
    this.scene.add(this.camera, new HemisphereLight("white", "#5d6673", 1.5));
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(frame);
  }

  redraw() {
    this.due ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.due = null;
    this.renderer.render(this.scene, this.camera);
  }

  resize() {
    const { width, height } = this.frame.getBoundingClientRect(); // not rounded, for exact alignment
    if (!this.photo || width === 0 || height === 0) return;
    aim(this.camera, this.photo, width, height);
    this.renderer.setSize(width, height, false);
    cancelAnimationFrame(this.due);
    this.draw(); // at once: a canvas is empty after its size changed
  }

  dispose() {
    this.gone = true;
    cancelAnimationFrame(this.due);
    this.watcher.disconnect();
    this.views.stop();
    this.views.controls.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }
}

/** The middle of a box, and the radius of a ball about it that holds all but its corners, where nobody is. */
export function middle(box) {
  const size = box.getSize(new Vector3());
  return [box.getCenter(new Vector3()), Math.max(0.425 * size.length(), 0.53 * Math.max(...size))];
}
