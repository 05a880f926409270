// The page: takes a photo, sends it to the service, shows what comes back or what went wrong.

import { inMegabytes, prepared, watchUploads } from "./upload.js";
import { ask, isLoading } from "./request.js";
import { offerModes } from "./modes.js";
import { Result } from "./result.js";
import { offers, readiness, reconstruct, useKey } from "./api.js";
import { offerSubjects } from "./subjects.js";
import { asProblem } from "./errors.js";

const element = (id) => document.getElementById(id);
const result = new Result(rigged);

let limit = 32 * 2 ** 20; // bytes of a photo; the service's default, until it says another
let job = null; // the photo under way or shown: { given, photo, asked (modes), answers by subject and mode, abort }
let url = null; // of the photo, for the browser
let subject = "body"; // or "hand"
let wanted = [null]; // the modes to show; null is the service's own choice

watchUploads(start);
element("cancel").addEventListener("click", () => {
  job?.abort.abort();
  job = null;
  state("empty");
  element("choose").focus();
});
element("again").addEventListener("click", () => start(job.given));
element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(element("key").value.trim());
  lookForOffers();
  start(job.given);
});
watchReadiness();

/** Works on a photo: a File, or a function that returns a promise of one. */
async function start(given) {
  job?.abort.abort();
  const mine = { given, answers: new Map(), abort: new AbortController() };
  job = mine;
  state("busy");
  say("Reading the photo", null);
  element("work-title").textContent = "Your photo";
  element("work-title").focus({ preventScroll: true });
  scrollTo(0, 0);
  try {
    mine.photo = await prepared(typeof given === "function" ? await given() : given, limit);
    if (mine !== job) return;
    element("work-title").textContent = mine.photo.name || "Your photo";
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(mine.photo);
    import("./stage.js").catch(() => {}); // on its way while the photo is
    await result.preview(url, mine.photo.name || "photo");
    if (mine === job) await answer(mine);
  } catch (error) {
    fail(mine, error);
  }
}

/** Gets the answers that are wanted and not there yet, and shows them. */
async function answer(mine) {
  const asked = wanted; // what is offered may become known meanwhile; only people's choices count
  mine.asked = asked;
  const current = () => mine === job && mine.asked === asked;
  const key = (mode) => `${subject} ${mode}`;
  for (const mode of asked) {
    if (mine.answers.has(key(mode))) continue;
    const answer = await ask(mine.photo, subject, mode, mine.abort.signal, say);
    if (!current()) return;
    mine.answers.set(key(mode), answer).set(key(answer.mode), answer); // the service's own choice has a name, too
  }
  say("Drawing the meshes", null);
  await result.show(asked.map((mode) => mine.answers.get(key(mode))));
  if (!current()) return;
  state("result");
  element("status").textContent = result.summary;
}

/** The address of a person's body with a skeleton, which costs a fit: asked for when somebody wants it. */
async function rigged(answer, index) {
  const { photo, abort } = job;
  const more = { bbox: answer.people[index].bbox, rigged: true };
  const again = await reconstruct(photo, { mode: answer.mode, more, signal: abort.signal });
  return again.people[0].mesh.rigged;
}

function fail(mine, error) {
  if (mine !== job || mine.abort.signal.aborted) return;
  const problem = asProblem(error);
  result.clear();
  state("problem");
  element("problem-title").textContent = problem.title;
  element("problem-detail").textContent = problem.message;
  element("again").hidden = !problem.again;
  element("key-form").hidden = !problem.key;
  if (problem.key) element("key").focus();
}

/** empty, busy, result or problem. */
function state(name) {
  document.body.dataset.state = name;
  element("upload").hidden = name !== "empty" && name !== "problem";
  element("problem").hidden = name !== "problem";
  element("work").hidden = name !== "busy" && name !== "result";
  element("progress").hidden = name !== "busy";
}

let said = "";
function say(text, part) {
  const bar = element("bar");
  if (part === null) bar.removeAttribute("value");
  else bar.value = part;
  element("step").textContent = part ? `${text}, ${Math.round(100 * part)} %` : `${text} …`;
  if (text !== said) element("status").textContent = said = text; // once a step: a screen reader reads it out
}

async function lookForOffers() {
  const offered = await offers();
  const subjects = [...new Set(offered.map((offer) => offer.subject))];
  offerSubjects(element("subjects"), subjects, subject, (chosen) => {
    subject = chosen;
    offer(offered);
    askAgain();
  });
  offer(offered);
}

/** Offers the modes that there are for the subject. */
function offer(offered) {
  const modes = offered.filter((offer) => offer.subject === subject).map((offer) => offer.mode);
  wanted = modes.length > 1 ? [modes[0]] : [null];
  offerModes(element("modes"), modes, (chosen) => {
    wanted = chosen;
    askAgain();
  });
}

async function askAgain() {
  const mine = job;
  if (!mine?.photo) return;
  state("busy");
  await answer(mine).catch((error) => fail(mine, error));
}

// Says why, while the model loads or if it failed to.
async function watchReadiness() {
  const { ready, detail, limit: said } = await readiness();
  if (said) limit = said;
  element("limit").textContent = inMegabytes(limit);
  const note = element("loading");
  note.hidden = ready || detail === null;
  note.textContent = detail ?? "";
  if (!ready && detail !== null && isLoading(detail)) setTimeout(watchReadiness, 2000);
  if (ready) lookForOffers();
}
