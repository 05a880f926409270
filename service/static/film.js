// A film's way through the service: a job that goes on without this page, and the film with its people once it is done.

import { deleteJob, job, sendFilm } from "./api.js";
import { saveAddress } from "./files.js";
import { asProblem, Problem } from "./errors.js";
import { isAnimated } from "./gif.js";
import { Player } from "./player.js";

const element = (id) => document.getElementById(id);
const player = new Player();
const KINDS = [
  [/\.rigged\.glb$/, "RIG", "A mesh with a skeleton that moves (GLB), for viewers and animation programs"],
  [/\.glb$/, "GLB", "A mesh that moves"],
  [/\.bvh$/, "BVH", "The motion alone, for animation programs"],
  [/\.json$/, "JSON", "Everyone in each frame, as numbers"],
];
const WANTED = { format: ["rigged", "bvh", "json"], overlay: true };

/** Whether a file that somebody gave is a film. */
export async function isFilm(file) {
  if (!(file instanceof File)) return false;
  if (file.type === "image/gif") return isAnimated(file).catch(() => false); // sent as a photo it is told that it cannot be read
  return file.type.startsWith("video/") || /\.(mkv|mts|ts|mov|avi)$/i.test(file.name);
}

export class Film {
  /** `say(text, part)` hears what is going on. */
  constructor(say) {
    this.say = say;
    this.abort = new AbortController();
  }

  /** Ends watching, not the job. */
  leave() {
    this.abort.abort();
    player.close();
  }

  /** Sends a film; returns the job's id. */
  async send(file) {
    const show = (part) => this.say("Sending the film", part);
    show(0);
    this.id = (await sendFilm(file, WANTED, { signal: this.abort.signal, onSent: show })).id;
    return this.id;
  }

  /** Follows a job to its end and lists what came of it; `play` plays that. Throws a Problem. */
  async follow(id) {
    this.id = id;
    this.done = await this.ended();
    const { status, problem } = this.done;
    if (status === "failed") throw new Problem("This film did not work", problem?.detail ?? "Send it again.");
    list(this.done);
  }

  /** Opens the film and its people; says so in a sentence if that fails. */
  async play() {
    const { files } = this.done;
    try {
      await player.open(files.find(({ name }) => name.endsWith(".webm"))?.url, movers(files));
    } catch (error) {
      complain(error);
    }
  }

  ended() {
    return new Promise((resolve, reject) => {
      const events = new EventSource(`jobs/${this.id}/events`);
      const end = (act, value) => {
        events.close();
        act(value);
      };
      const { signal } = this.abort;
      signal.addEventListener("abort", () => end(reject, signal.reason), { once: true });
      events.addEventListener("job", ({ data }) => {
        const now = JSON.parse(data);
        if (now.status === "queued") this.say("Waiting for its turn", null);
        else this.say("Following people through the film", now.progress);
        if (["succeeded", "failed"].includes(now.status)) end(resolve, now);
      });
      events.addEventListener("error", () => {
        // The browser tries again by itself, unless the service refused.
        if (events.readyState === EventSource.CLOSED) job(this.id).then(() => this.ended()).then(resolve, (error) => end(reject, error));
      });
    });
  }

  /** Ends the job, and deletes what came of it. */
  async remove() {
    if (this.id) await deleteJob(this.id);
  }
}

/** Of each person one GLB that moves, by its address. */
function movers(files) {
  const moving = files.filter(({ name }) => name.endsWith(".glb"));
  const others = moving.filter(({ name }) => !moving.some((rigged) => rigged.name === name.replace(/glb$/, "rigged.glb")));
  return others.map(({ url }) => url);
}

function list({ files, people, message }) {
  element("film-problem").hidden = true;
  element("film-about").textContent = message ?? `${people === 1 ? "One person" : `${people} people`} followed through the film.`;
  const rows = Map.groupBy(files.filter(({ name }) => kindOf(name)), ({ name }) => /-(\d+)\./.exec(name)?.[1] ?? "");
  element("film-files").replaceChildren(...[...rows].map(([number, of]) => row(number ? `Person ${number}` : "Everyone", of)));
}

const kindOf = (name) => KINDS.find(([pattern]) => pattern.test(name));

function row(title, files) {
  const line = document.createElement("div");
  line.className = "person";
  const name = Object.assign(document.createElement("strong"), { textContent: title });
  const links = Object.assign(document.createElement("span"), { className: "files" });
  for (const { name: file, url, bytes } of files) {
    const [, short, about] = kindOf(file);
    const link = Object.assign(document.createElement("a"), { href: url, download: file, textContent: short });
    link.title = `${about}, ${(bytes / 2 ** 20).toFixed(1)} MB`;
    link.ariaLabel = `Download ${short} of ${title}`;
    link.addEventListener("click", (event) => {
      event.preventDefault(); // so that an expired link gives a sentence
      save(url, file);
    });
    links.append(link);
  }
  line.append(name, links);
  return line;
}

async function save(url, name) {
  element("film-problem").hidden = true;
  try {
    await saveAddress(url, name);
  } catch (error) {
    complain(error);
  }
}

function complain(error) {
  element("film-problem").textContent = asProblem(error).message;
  element("film-problem").hidden = false;
}
