// The result: one stage for each answer that is shown, the controls that move them together, and the list of people.

import { saveAddress, saveBlob, saveJson } from "./files.js";
import { nameOf } from "./modes.js";
import { listPeople, markSelected } from "./people.js";
import { drawSkeletons } from "./joints2d.js";
import { SUBJECTS } from "./subjects.js";
import { asProblem } from "./errors.js";

const element = (id) => document.getElementById(id);

export class Result {
  constructor() {
    this.stages = [];
    this.answers = [];
    this.selected = null;
    // A box of the answer in the pixels of the photo at hand, which may have been scaled down since.
    this.inPhoto = (box) => {
      const { naturalWidth } = element("stages").querySelector("img");
      const scale = naturalWidth ? naturalWidth / this.answers[0].width : 1;
      return box.map((value) => Number((scale * value).toFixed(2)));
    };
    element("blend").addEventListener("input", () => this.update());
    for (const id of ["joints-2d", "joints-3d", "own-colors"]) element(id).addEventListener("change", () => this.update());
    element("views").addEventListener("change", (event) => this.stages[0]?.views.go(event.target.value));
    element("picture").addEventListener("click", () => {
      this.stages.forEach(async (stage, index) => saveBlob(await stage.picture(), `${this.fileName(index)}.png`));
    });
    element("zip").addEventListener("click", () => {
      this.answers.forEach((answer, index) => {
        this.save(answer.zip, `${this.fileName(index)}.zip`);
      });
    });
    element("scene").addEventListener("click", () => {
      this.answers.forEach(({ scene }, index) => {
        if (scene) this.save(scene.glb, `${this.fileName(index)}.scene.glb`);
      });
    });
    watchFullscreen();
    element("json").addEventListener("click", () => {
      this.answers.forEach((answer, index) => {
        saveJson(answer.file, `${this.fileName(index)}.json`);
      });
    });
  }

  /** Shows a photo alone, while it is worked on; `url` may be null where there is none. */
  async preview(url, name) {
    this.clear();
    [this.url, this.name] = [url, name.replace(/\.\w+$/, "")];
    await this.figures(1);
  }

  /** Shows answers for the photo of the last preview, side by side if there are two. */
  async show(answers) {
    if (this.answers[0]?.subject !== answers[0].subject) this.selected = null; // else the same people in another mode
    this.answers = answers;
    if (element("stages").children.length !== answers.length) await this.figures(answers.length);
    for (const figure of element("stages").children) figure.classList.remove("busy");
    const someone = answers[0].people.length > 0;
    element("about").textContent = about(answers);
    element("about").classList.toggle("small", someone); // else it is the answer
    element("missed").textContent = SUBJECTS[answers[0].subject].missing;
    element("answer").hidden = !someone;
    element("scene").hidden = !answers.some(({ scene }) => scene?.glb);
    element("corrections").hidden = false;
    element("controls").hidden = !someone;
    if (!someone) return;
    await this.stage(answers);
    if (this.answers !== answers) return; // another photo came meanwhile
    element("hint-pick").hidden = answers[0].people.length === 1;
    const actions = { select: (index) => this.select(index), save: (address, name) => this.save(address, `${this.name}-${name}`) };
    listPeople(element("people"), answers, this.selected, actions);
    this.update();
  }

  /** What was found, in a sentence. */
  get summary() {
    const [answer] = this.answers;
    const facts = element("about").textContent;
    return answer?.people.length ? `${count(answer)} found. ${facts}` : facts;
  }

  select(index) {
    this.selected = index;
    markSelected(element("people"), index);
    for (const stage of this.stages) stage.set({ selected: index });
  }

  fileName(index) {
    return this.answers.length > 1 ? `${this.name}-${this.answers[index].mode}` : this.name;
  }

  clear() {
    for (const stage of this.stages) stage.dispose();
    this.stages = [];
    this.answers = [];
    this.selected = null;
    element("stages").replaceChildren();
    element("controls").hidden = element("answer").hidden = element("corrections").hidden = element("file-problem").hidden = true;
    element("about").textContent = "";
  }

  async figures(count) {
    for (const stage of this.stages) stage.dispose();
    this.stages = [];
    const figures = Array.from({ length: count }, () => element("stage").content.cloneNode(true).firstElementChild);
    element("stages").replaceChildren(...figures);
    for (const figure of figures) {
      figure.classList.add("busy");
      if (!this.url) {
        figure.classList.add("unreadable");
        note(figure, "The photo itself was not kept. The meshes will stand here without it.");
        continue;
      }
      const image = figure.querySelector("img");
      image.src = this.url;
      await image.decode().catch(() => {
        figure.classList.add("unreadable");
        note(figure, "This browser cannot show this photo, be it for its format. The meshes will stand here without it.");
      });
      figure.style.setProperty("--aspect", image.naturalWidth / image.naturalHeight || 1.5);
    }
  }

  async stage(answers) {
    const figures = [...element("stages").children];
    figures.forEach((figure, k) => {
      figure.style.setProperty("--aspect", answers[k].width / answers[k].height);
    });
    if (this.stages.length !== answers.length) {
      try {
        const { Stage } = await import("./stage.js");
        this.stages = figures.map((figure) => new Stage(figure));
        this.link();
      } catch (error) {
        console.error(error);
        this.flatOnly(figures, answers);
      }
    }
    await Promise.all(this.stages.map((stage, index) => stage.show(answers[index])));
    for (const stage of this.stages) stage.set({ selected: this.selected });
    figures.forEach((figure, index) => {
      const answer = answers[index];
      figure.querySelector("figcaption").textContent = nameOf(answer.mode);
      figure.querySelector("figcaption").hidden = answers.length === 1;
      figure.querySelector(".space").ariaLabel = `The photo with the meshes over it: ${count(answer).toLowerCase()}`;
    });
  }

  /** Lets the stages move together, and clicks select people. */
  link() {
    let leading = false;
    for (const stage of this.stages) {
      stage.views.addEventListener("change", () => {
        if (leading) return;
        leading = true;
        for (const other of this.stages) if (other !== stage && other.answer) other.views.follow(stage.views);
        leading = false;
      });
      stage.views.addEventListener("view", ({ detail }) => {
        const radio = element("views").querySelector(`[value="${detail === "turning" ? "turned" : detail}"]`);
        radio.checked = true;
      });
      stage.views.addEventListener("pick", ({ detail }) => {
        if (this.answers[0].people.length > 1) this.select(stage.personAt(detail));
      });
    }
  }

  update() {
    const slider = element("blend");
    const blend = slider.value / 100;
    slider.ariaValueText = blend < 0.05 ? "Photo" : blend > 0.95 ? "Mesh" : "Mesh over the photo";
    const shown = { blend, joints2d: element("joints-2d").checked, joints3d: element("joints-3d").checked };
    shown.own = element("own-colors").checked;
    for (const stage of this.stages) stage.set(shown);
  }

  /** Without WebGL there are the 2D joints, and the files. */
  flatOnly(figures, answers) {
    for (const id of ["controls", "switches", "picture"]) element(id).hidden = true;
    figures.forEach((figure, index) => {
      drawSkeletons(figure.querySelector(".flat"), answers[index], null);
      note(figure, "This browser cannot draw in 3D (WebGL is missing or switched off). The files are there.");
    });
  }

  /** Saves what is at an address of the service. */
  async save(address, name) {
    const place = element("file-problem");
    place.hidden = true;
    try {
      await saveAddress(address, name);
    } catch (error) {
      place.textContent = asProblem(error).message;
      place.hidden = false;
    }
  }
}

function note(figure, text) {
  const place = figure.querySelector(".note");
  place.textContent = text;
  place.hidden = false;
}

const count = ({ people, subject }) => SUBJECTS[subject].count(people.length);

function about(answers) {
  const [{ width, height, people, subject }] = answers;
  const times = answers.map(({ model, timings_ms: { total } }) => `${(total / 1000).toFixed(2)} s by ${model}`);
  const facts = `${width} × ${height} pixels, ${times.join(", ")}.`;
  if (people.length) return facts;
  return `${SUBJECTS[subject].none} (${facts})`;
}

/** The pictures and their controls over the whole screen, where browsers can. */
function watchFullscreen() {
  const button = element("fullscreen");
  const bench = document.querySelector("#work .bench");
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : bench.requestFullscreen()));
  document.addEventListener("fullscreenchange", () => {
    button.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
  });
}
