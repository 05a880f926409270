// The page: takes a photo, sends it to the service, shows what comes back.

import { colourOf, drawSkeletons } from "./skeletons.js";

const element = (id) => document.getElementById(id);
const file = element("file");
const drop = element("drop");
const photo = element("photo");

let viewer = null; // made at the first result, so that the page itself is there at once
let sending = null; // aborts the request under way when another photo is chosen

file.addEventListener("change", () => {
  if (file.files.length) reconstruct(file.files[0]);
  file.value = ""; // so that choosing the same photo again counts as a change
});

for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) reconstruct(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) reconstruct(event.clipboardData.files[0]);
});

async function reconstruct(image) {
  sending?.abort();
  const request = (sending = new AbortController());
  show({ busy: "Reconstructing…" });
  try {
    const answer = await send(image, request.signal);
    await showPhoto(image);
    await showAnswer(answer);
  } catch (error) {
    if (request.signal.aborted) return;
    element("result").hidden = true;
    show({ error: error.message });
  }
}

async function send(image, signal) {
  const body = new FormData();
  body.append("image", image, image.name || "photo");
  let response;
  try {
    response = await fetch("reconstruct", { method: "POST", body, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error("The service could not be reached, or refused so large a file. Is it running?");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.detail ?? `The service answered ${response.status}.`);
  return answer;
}

async function showPhoto(image) {
  URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(image);
  await photo.decode();
}

async function showAnswer(answer) {
  const { people } = answer;
  const result = element("result");
  result.hidden = false;
  result.classList.toggle("spatial", people.length > 0);
  element("space").hidden = people.length === 0;
  document.body.classList.add("has-result");
  drawSkeletons(element("skeletons"), answer);
  element("people").replaceChildren(...people.map(listItem));
  show({ status: summary(answer) });
  if (people.length) {
    try {
      viewer ??= new (await import("./viewer.js")).Viewer(element("view"));
      await viewer.show(people.map((person, index) => ({ ...person, colour: colourOf(index) })));
    } catch (error) {
      show({ status: summary(answer), error: `The meshes cannot be drawn here (${error.message}); the files are below.` });
    }
  }
}

function summary({ people, timings_ms, width, height }) {
  if (people.length === 0) return "Nobody was found in this photo. Try one in which people are larger.";
  const count = people.length === 1 ? "One person" : `${people.length} people`;
  return `${count} in ${width} × ${height} pixels, ${Math.round(timings_ms.total)} ms.`;
}

function listItem(person, index) {
  const item = document.createElement("li");
  const dot = document.createElement("span");
  dot.className = "dot";
  dot.style.background = colourOf(index);
  const name = document.createElement("strong");
  name.textContent = `Person ${index + 1}`;
  const score = document.createElement("span");
  score.className = "score";
  score.textContent = `score ${person.score.toFixed(2)}`;
  item.append(dot, name, score, link(person, "glb", index), link(person, "obj", index));
  return item;
}

function link(person, kind, index) {
  const anchor = document.createElement("a");
  anchor.href = person.mesh[kind];
  anchor.download = `person-${index + 1}.${kind}`;
  anchor.textContent = kind.toUpperCase();
  anchor.ariaLabel = `Download the mesh of person ${index + 1} as ${kind.toUpperCase()}`;
  return anchor;
}

function show({ busy = "", status = "", error = "" }) {
  const line = element("status");
  line.textContent = busy || status;
  line.classList.toggle("busy", busy !== "");
  line.hidden = line.textContent === "";
  element("error").textContent = error;
  element("error").hidden = error === "";
}

// Says why, while the model loads or if it failed to.
async function watchReadiness() {
  const response = await fetch("v2/health/ready").catch(() => null);
  if (sending !== null) return; // a photo is under way: its own messages count
  if (response?.status === 503) {
    show({ busy: (await response.json()).detail });
    setTimeout(watchReadiness, 2000);
  } else {
    show({});
  }
}
watchReadiness();
