// A film and its moving people, played in step: one clock, a button, a slider.

const element = (id) => document.getElementById(id);

export class Player {
  constructor() {
    this.film = element("player");
    this.scrub = element("scrub");
    this.clock = null; // the film, or where there is none a clock that runs as one does
    this.stage = null;
    this.toggle = () => (this.clock.paused ? this.clock.play() : this.clock.pause());
    this.tick = () => this.show();
    element("play").addEventListener("click", this.toggle);
    this.film.addEventListener("click", this.toggle);
    this.scrub.addEventListener("input", () => {
      this.clock.currentTime = this.scrub.valueAsNumber;
      this.show();
    });
    for (const radio of element("film-views").elements) {
      radio.addEventListener("change", () => this.stage?.views.go(radio.value));
    }
  }

  /** Opens a film's address (null: there is none) and its people's GLBs, at the beginning. Throws a Problem. */
  async open(film, people) {
    this.close();
    this.film.hidden = !film;
    element("moving").hidden = element("film-controls").hidden = people.length === 0;
    element("transport").hidden = !film && people.length === 0;
    if (film) {
      this.film.src = film;
      this.take(this.film);
    }
    if (people.length) await this.openStage(people);
    if (this.clock === null && this.stage) this.take(new Clock(this.stage.duration));
    this.show();
  }

  async openStage(people) {
    const note = element("moving").querySelector(".note");
    note.hidden = true;
    const canvas = document.createElement("canvas"); // one that has lost its context gets no other
    Object.assign(canvas, { className: "space", tabIndex: 0, role: "img" });
    canvas.ariaLabel = "The film's people as bodies that move, in 3D";
    canvas.setAttribute("aria-describedby", "film-hint");
    element("moving").prepend(canvas);
    let stage;
    try {
      const { MovingStage } = await import("./moving.js");
      stage = new MovingStage(element("moving"), canvas);
    } catch (error) {
      console.error(error);
      canvas.remove();
      note.textContent = "This browser cannot draw in 3D (WebGL is missing or switched off). The files are there.";
      note.hidden = false;
      element("film-controls").hidden = true;
      return;
    }
    this.stage = stage;
    stage.views.addEventListener("view", ({ detail }) => {
      element("film-views").querySelector(`[value="${detail === "turning" ? "turned" : detail}"]`).checked = true;
    });
    await stage.show(people);
  }

  /** Stops, and lets go of what was open. */
  close() {
    for (const event of EVENTS) this.clock?.removeEventListener(event, this.tick);
    this.clock?.pause();
    this.clock = null;
    this.film.removeAttribute("src");
    this.film.load(); // or it goes on to fetch
    this.stage?.dispose();
    this.stage?.canvas.remove();
    this.stage = null;
  }

  take(clock) {
    this.clock = clock;
    for (const event of EVENTS) clock.addEventListener(event, this.tick);
  }

  /** Shows the clock's time, and goes on to as long as it runs. */
  show() {
    const { clock, scrub, stage } = this;
    if (!clock) return;
    const { currentTime, duration, paused } = clock;
    stage?.at(currentTime);
    element("play").textContent = paused ? "Play" : "Pause";
    scrub.max = duration || 0;
    scrub.value = currentTime;
    scrub.ariaValueText = `${currentTime.toFixed(1)} of ${(duration || 0).toFixed(1)} seconds`;
    element("time").textContent = [currentTime, duration || 0].map((seconds) => minutes(seconds, duration < SHORT)).join(" / ");
    cancelAnimationFrame(this.due);
    if (!paused) this.due = requestAnimationFrame(this.tick);
  }
}

const EVENTS = ["play", "pause", "seeked", "durationchange"];

const SHORT = 10; // seconds; whole ones say too little of a film that is shorter

function minutes(seconds, tenths) {
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)}:${(tenths ? rest.toFixed(1) : String(Math.floor(rest))).padStart(tenths ? 4 : 2, "0")}`;
}

/** Runs as a film does that begins anew at its end: as much of HTMLMediaElement as it takes. */
class Clock extends EventTarget {
  paused = true;
  #at = 0;
  #since = 0;

  constructor(duration) {
    super();
    this.duration = duration;
  }

  get currentTime() {
    if (this.paused || !this.duration) return this.#at;
    return (this.#at + (performance.now() - this.#since) / 1000) % this.duration;
  }

  set currentTime(seconds) {
    [this.#at, this.#since] = [seconds, performance.now()];
  }

  play() {
    this.#since = performance.now();
    this.paused = false;
    this.dispatchEvent(new Event("play"));
  }

  pause() {
    this.#at = this.currentTime;
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }
}
