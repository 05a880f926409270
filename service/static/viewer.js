// The meshes in 3D, to look at from all sides.

import {
  Box3, Color, DirectionalLight, GLTFLoader, GridHelper, Group, HemisphereLight, OrbitControls, PerspectiveCamera, Scene,
  Vector3, WebGLRenderer,
} from "./vendor/three.js";

const FIELD_OF_VIEW = 35; // degrees, vertical

export class Viewer {
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 1000);
    this.scene = new Scene();
    this.scene.add(new HemisphereLight(0xffffff, 0x8d99ab, 1.6));
    const sun = new DirectionalLight(0xffffff, 2);
    sun.position.set(1, 2, 3);
    this.camera.add(sun); // the side one looks at is always lit
    this.scene.add(this.camera);
    this.bodies = new Group();
    this.scene.add(this.bodies);
    this.controls = new OrbitControls(this.camera, canvas);
    // Drawn when something changes, not all the time: a still picture costs no battery.
    this.controls.addEventListener("change", () => this.draw());
    this.controls.listenToKeyEvents(canvas);
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /** Show people, each with `mesh.glb`, `camera.translation` and `colour`, in place of those before. */
  async show(people) {
    const latest = (this.latest = Symbol());
    const loader = new GLTFLoader();
    const bodies = await Promise.all(people.map(async ({ mesh, camera, colour }) => {
      const { scene } = await loader.loadAsync(mesh.glb);
      const [x, y, z] = camera.translation;
      scene.position.set(x, -y, -z); // the camera frame has y down and z forward
      if (people.length > 1) {
        scene.traverse((node) => node.material?.color.copy(new Color(colour)).lerp(new Color("white"), 0.35));
      }
      return scene;
    }));
    if (latest !== this.latest) return; // another photo came meanwhile
    this.clear();
    this.bodies.add(...bodies);
    this.frame();
  }

  clear() {
    this.bodies.traverse((node) => {
      node.geometry?.dispose();
      node.material?.dispose();
    });
    this.bodies.clear();
    if (this.grid) {
      this.grid.dispose();
      this.scene.remove(this.grid);
    }
  }

  /** Put a floor under the people and the camera before them. */
  frame() {
    const box = new Box3().setFromObject(this.bodies);
    const size = box.getSize(new Vector3());
    const centre = box.getCenter(new Vector3());
    const extent = Math.ceil(Math.max(2, 1.5 * Math.max(size.x, size.z)));
    this.grid = new GridHelper(extent, 4 * extent, 0x808080, 0x808080);
    this.grid.material.transparent = true;
    this.grid.material.opacity = 0.25;
    this.grid.position.set(centre.x, box.min.y, centre.z);
    this.scene.add(this.grid);

    this.resize();
    const half = Math.tan((FIELD_OF_VIEW / 2) * (Math.PI / 180));
    const distance = 1.15 * Math.max(size.y / 2 / half, size.x / 2 / half / this.camera.aspect) + size.z / 2;
    this.controls.target.copy(centre);
    this.camera.position.set(centre.x, centre.y + 0.08 * distance, centre.z + distance);
    this.controls.minDistance = 0.2 * distance;
    this.controls.maxDistance = 5 * distance;
    this.controls.update();
    this.draw();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return; // hidden
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.renderer.setSize(width, height, false);
    this.draw();
  }

  draw() {
    this.renderer.render(this.scene, this.camera);
  }
}
