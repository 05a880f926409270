// The page: takes photos, sends them to the service, shows what comes back or what went wrong.

import { Photo, showStrip } from "./photos.js";
import { drawBox } from "./box.js";
import { say, whatIsKept } from "./words.js";
import "./links.js";
import { Film, isFilm } from "./film.js";
import { inMegabytes, prepared, watchUploads } from "./upload.js";
import { ask, isLoading } from "./request.js";
import { offerModes } from "./modes.js";
import { Result } from "./result.js";
import { keptAnswer, offers, readiness, reconstructFromWeb, useKey } from "./api.js";
import { offerSubjects, SUBJECTS } from "./subjects.js";
import { asProblem } from "./errors.js";

const element = (id) => document.getElementById(id);
const result = new Result();
const MOST = 50; // photos at a time

let limit = 32 * 2 ** 20; // bytes of a photo; the service's default, until it says another
let begun = null; // what was given last
let photos = []; // of this visit
let shown = null; // the one of them that is looked at
let film = null; // that is worked on or shown, instead of photos
let subject = "body"; // or "hand"
let wanted = [null]; // the modes to show; null is the service's own choice

watchUploads(begin);
element("cancel").addEventListener("click", () => {
  film?.remove();
  leave();
  state("empty");
  element("choose").focus();
});
element("again").addEventListener("click", () => (shown ? show(shown) : location.reload()));
element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(element("key").value.trim());
  lookForOffers();
  if (shown) show(shown);
  else state("empty");
});
element("missed").addEventListener("click", addPerson);
element("camera").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = new FormData(event.target);
  shown.camera = Object.fromEntries([...typed].filter(([, value]) => value !== ""));
  askAgain();
});
element("address").addEventListener("submit", (event) => {
  event.preventDefault();
  showFromWeb(element("image-url").value);
});
element("film-delete").addEventListener("click", async () => {
  await film?.remove();
  leave();
  state("empty");
});

/** Works on a film: a File, or the id of the job that does. */
async function showFilm(given) {
  leave();
  const mine = new Film((...step) => mine === film && say(...step));
  film = mine;
  state("busy");
  element("work-title").textContent = given.name ?? "A film";
  element("film-title").textContent = given.name ?? "A film";
  try {
    const id = given instanceof File ? await mine.send(given) : given;
    if (mine !== film) return;
    history.replaceState(null, "", `?job=${id}`);
    element("about").textContent = "This may take minutes. You may leave: the address of this page leads back to your film.";
    await mine.follow(id);
    if (mine !== film) return;
    state("film");
    element("status").textContent = element("film-about").textContent;
    element("film-title").focus({ preventScroll: true });
    await mine.play();
  } catch (error) {
    if (mine === film) showProblem(error);
  }
}

/** Shows an answer whose address somebody has. */
function showKept(id) {
  return showFetched("A kept answer", "Fetching the answer", () => keptAnswer(id));
}

/** Shows what the service finds in a photo that it fetches by itself. */
function showFromWeb(url) {
  const request = (signal) => reconstructFromWeb(url, { subject, mode: wanted[0], signal });
  return showFetched(url.split("/").at(-1) || url, "Fetching the photo", async (signal) => keptAnswer((await request(signal)).id));
}

async function showFetched(title, doing, fetchAnswer) {
  leave();
  const photo = new Photo({ name: title });
  photos = [photo];
  shown = photo;
  state("busy");
  element("work-title").textContent = title;
  say(doing, null);
  try {
    const found = await fetchAnswer(photo.abort.signal);
    if (photo !== shown) return;
    subject = found.answer.subject;
    photo.given = found.photo ?? photo.given;
    if (found.photo) await photo.read(async (file) => file);
    photo.keep(found.answer);
    await result.preview(photo.url, "answer");
    await answer(photo);
  } catch (error) {
    fail(photo, error);
  }
}

function leave() {
  begun = null;
  film?.leave();
  film = null;
  history.replaceState(null, "", location.pathname);
  for (const photo of photos) photo.leave();
  photos = [];
  shown = null;
  result.clear();
}

/** Works on photos: Files, or functions that return a promise of one. */
async function begin(given) {
  begun = given;
  const films = await Promise.all(given.map(isFilm));
  if (given !== begun) return; // something else came while these were read
  if (films.includes(true)) return showFilm(given[films.indexOf(true)]);
  leave();
  photos = given.slice(0, MOST).map((one) => new Photo(one));
  show(photos[0]);
}

/** Shows one of the photos, and then works on those that wait. */
async function show(photo) {
  shown = photo;
  state("busy");
  say("Reading the photo", null);
  element("work-title").textContent = "Your photo";
  element("work-title").focus({ preventScroll: true });
  scrollTo(0, 0);
  try {
    await photo.read((file) => prepared(file, limit));
    if (photo !== shown) return;
    element("work-title").textContent = photo.name;
    for (const field of element("camera").querySelectorAll("input")) field.value = photo.camera[field.name] ?? "";
    import("./stage.js").catch(() => {}); // on its way while the photo is
    await result.preview(photo.url, photo.name);
    if (photo === shown) await answer(photo);
  } catch (error) {
    fail(photo, error);
  }
  await goOn();
}

/** Asks for the photos that wait, one after another, while somebody looks at another one. */
async function goOn() {
  for (;;) {
    const photo = photos.find(({ state }) => state === "waiting");
    if (!photo) return;
    mark(photo, "asked");
    try {
      await photo.read((file) => prepared(file, limit));
      await Promise.all(wanted.map((mode) => request(photo, mode)));
      mark(photo, "done");
    } catch {
      mark(photo, "failed"); // said when it is shown
    }
  }
}

/** A promise of an answer; what is going on is said if the photo is the one that is shown. */
function request(photo, mode) {
  const quiet = (...step) => photo === shown && document.body.dataset.state === "busy" && say(...step);
  return photo.answer(subject, mode, () => ask(photo.file, subject, mode, photo.parameters(subject), photo.abort.signal, quiet));
}

/** Gets the answers that are wanted and not there yet, and shows them. */
async function answer(photo) {
  const asked = wanted; // what is offered may become known meanwhile; only people's choices count
  photo.asked = asked;
  const current = () => photo === shown && photo.asked === asked;
  mark(photo, "asked");
  const answers = [];
  for (const mode of asked) {
    answers.push(await request(photo, mode));
    if (!current()) return;
  }
  mark(photo, "done");
  say("Drawing the meshes", null);
  await result.show(answers);
  if (!current()) return;
  state("result");
  history.replaceState(null, "", `?answer=${answers[0].id}`); // so that it survives a reload, and can be passed on
  element("status").textContent = result.summary;
}

/** Somebody who was missed: everyone is asked for again, in the boxes that are known and the one that is drawn. */
async function addPerson() {
  const photo = shown;
  const [{ people, width, height }] = result.answers;
  const what = SUBJECTS[subject].box;
  result.stages[0]?.views.go("photo");
  element("missed-what").textContent = what;
  element("missed-hint").hidden = false;
  const box = await drawBox(document.querySelector(".frame"), { width, height }, what);
  element("missed-hint").hidden = true;
  element("missed").focus();
  if (!box || photo !== shown) return;
  photo.boxes[subject] = [...people.map(({ bbox }) => bbox), box].map(result.inPhoto);
  await askAgain();
}

function fail(photo, error) {
  mark(photo, "failed");
  if (photo === shown && !photo.abort.signal.aborted) showProblem(error);
}

function showProblem(error) {
  const problem = asProblem(error);
  result.clear();
  state("problem");
  element("problem-title").textContent = photos.length > 1 ? `${shown.name}: ${problem.title}` : problem.title;
  element("problem-detail").textContent = problem.message;
  element("again").hidden = !problem.again;
  element("key-form").hidden = !problem.key;
  if (problem.key) element("key").focus();
}

function mark(photo, state) {
  photo.state = state;
  showStrip(element("strip"), photos, shown, show);
}

/** empty, busy, result, film or problem. */
function state(name) {
  document.body.dataset.state = name;
  const one = name === "problem" && photos.length > 1; // of several: the others stay at hand
  element("upload").hidden = one || (name !== "empty" && name !== "problem");
  element("problem").hidden = name !== "problem";
  element("work").hidden = !one && name !== "busy" && name !== "result";
  element("progress").hidden = name !== "busy";
  element("film").hidden = name !== "film";
  element("choices").hidden = film !== null; // they are a photo's
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
  const photo = shown;
  if (!photo?.file) return;
  state("busy");
  await answer(photo).catch((error) => fail(photo, error));
}

// Says why, while the model loads or if it failed to.
async function watchReadiness() {
  const { ready, detail, limits } = await readiness();
  if (limits) {
    limit = limits.max_body_bytes;
    element("kept").textContent = whatIsKept(limits);
    element("heic").hidden = !limits.heic;
    element("address").hidden = !limits.image_urls;
    element("films").hidden = !limits.videos;
  }
  element("limit").textContent = inMegabytes(limit);
  const note = element("loading");
  note.hidden = ready || detail === null;
  note.textContent = detail ?? "";
  if (!ready && detail !== null && isLoading(detail)) setTimeout(watchReadiness, 2000);
  if (ready) lookForOffers();
}

watchReadiness();
const kept = new URLSearchParams(location.search).get("answer");
const going = new URLSearchParams(location.search).get("job");
if (/^[0-9a-f]{32}$/.test(kept)) showKept(kept);
else if (/^[0-9a-f]{32}$/.test(going)) showFilm(going);
