// The photos of this visit: what is known of each, and the strip in which one of several is chosen.

/** One photo: a File, or a function that returns a promise of one. */
export class Photo {
  constructor(given) {
    this.given = given;
    this.file = null; // as it is sent, once it was read
    this.url = null; // of it, for this browser
    this.camera = {}; // parameters of it that somebody typed
    this.boxes = {}; // of each subject, where somebody drew one
    this.answers = new Map(); // promises of them, by what was asked
    this.abort = new AbortController();
    this.state = "waiting"; // then asked, done or failed
  }

  get name() {
    return this.file?.name || this.given.name || "photo";
  }

  /** Reads it by `prepare(File)`, once. */
  async read(prepare) {
    if (this.file) return;
    this.file = await prepare(typeof this.given === "function" ? await this.given() : this.given);
    this.url = URL.createObjectURL(this.file);
  }

  /** The parameters of a request, beside subject and mode. */
  parameters(subject) {
    const boxes = this.boxes[subject];
    const { focal_length } = this.camera;
    const camera = subject === "body" ? this.camera : focal_length && { focal_length }; // hands stand on no ground
    return { ...(boxes && { bbox: boxes.map(String) }), ...camera };
  }

  /** A promise of the answer for a subject and a mode: `request()` is called where it is not under way yet. */
  answer(subject, mode, request) {
    const asked = JSON.stringify([subject, mode, this.parameters(subject)]);
    if (!this.answers.has(asked)) {
      const answer = request();
      this.answers.set(asked, answer);
      answer.then(
        (came) => this.answers.set(asked.replace("null", JSON.stringify(came.mode)), answer), // the service's own choice has a name, too
        () => this.answers.delete(asked),
      );
    }
    return this.answers.get(asked);
  }

  /** Has an answer that was there already. */
  keep(answer) {
    for (const mode of [null, answer.mode]) this.answers.set(JSON.stringify([answer.subject, mode, {}]), Promise.resolve(answer));
    this.state = "done";
  }

  leave() {
    this.abort.abort();
    if (this.url) URL.revokeObjectURL(this.url);
  }
}

const SAID = { waiting: "not yet sent", asked: "under way", done: "done", failed: "failed" };

/** Shows the photos as a strip, if they are several; calls `choose(photo)`. */
export function showStrip(place, photos, shown, choose) {
  place.hidden = photos.length < 2;
  place.replaceChildren(
    ...photos.map((photo, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.state = photo.state;
      button.ariaCurrent = String(photo === shown);
      button.ariaLabel = `Photo ${index + 1} of ${photos.length}, ${photo.name}: ${SAID[photo.state]}`;
      button.title = photo.name;
      if (photo.url) button.append(Object.assign(new Image(), { src: photo.url, alt: "" }));
      else button.textContent = String(index + 1);
      button.addEventListener("click", () => choose(photo));
      return button;
    }),
  );
}
