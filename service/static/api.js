// Talks to the service. Every failure comes out as a Problem.

import { Problem, problemOf } from "./errors.js";

const KEY = "mpt-key";

export const useKey = (key) => sessionStorage.setItem(KEY, key);

const keyHeaders = () => {
  const key = sessionStorage.getItem(KEY);
  return key ? { "X-API-Key": key } : {};
};

/** Whether photos can be sent: { ready, detail, limits }, the limits null where the service does not say them. */
export async function readiness() {
  const response = await fetch("v2/health/ready").catch(() => null);
  if (response === null) return { ready: false, detail: null, limits: null };
  const answer = await response.json().catch(() => ({}));
  return { ready: response.ok, detail: answer.detail ?? null, limits: answer.limits ?? null };
}

/** The subject and the mode of each model that the service offers, or none where it does not say. */
export async function offers() {
  const response = await fetch("models", { headers: keyHeaders() }).catch(() => null);
  if (!response?.ok) return [];
  const models = await response.json().catch(() => []);
  return Array.isArray(models) ? models.map(({ subject, mode }) => ({ subject, mode })) : [];
}

/**
 * Sends a photo and returns the answer of POST /reconstruct, with the hands of subject "hand" as its people, the subject,
 * and the answer as it came as its file.
 * `more` are further parameters, a list for one that is repeated; `onSent` hears which part of the photo is on its way, 0 to 1.
 */
export async function reconstruct(photo, { subject = "body", mode = null, more = {}, signal, onSent = () => {} }) {
  const parameters = { ...(subject !== "body" && { subject }), ...(mode && { mode }), ...more };
  return asAnswer(await upload("reconstruct", parameters, "image", photo, { signal, onSent }));
}

/** Sends a film and returns the job of POST /videos. */
export const sendFilm = (film, parameters, options) => upload("videos", parameters, "video", film, options);

/** How far a job is. */
export const job = async (id) => JSON.parse(await (await download(`jobs/${id}`)).text());

/** Ends a job, and deletes what came of it. */
export async function deleteJob(id) {
  await fetch(`jobs/${id}`, { method: "DELETE", headers: keyHeaders() });
}

/** Sends a file as a form's field; returns the answer's JSON. */
function upload(path, parameters, field, file, { signal, onSent }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
    const query = new URLSearchParams(Object.entries(parameters).flatMap(repeated)).toString();
    request.open("POST", query ? `${path}?${query}` : path);
    for (const [name, value] of Object.entries(keyHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
    request.upload.onload = () => onSent(1);
    request.onload = () => {
      const { status, responseText } = request;
      if (status === 200 || status === 202) resolve(JSON.parse(responseText));
      else reject(problemOf(status, responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = async () => reject(await unreachable(file));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const body = new FormData();
    body.append(field, file, file.name || "file");
    request.send(body);
  });
}

/** The answer to a photo that the service fetches from the web by itself. */
export async function reconstructFromWeb(url, { subject, mode, signal }) {
  const query = new URLSearchParams({ ...(subject !== "body" && { subject }), ...(mode && { mode }) });
  const headers = { ...keyHeaders(), "Content-Type": "application/json" };
  const body = JSON.stringify({ image_url: url });
  const response = await fetch(`reconstruct?${query}`, { method: "POST", headers, body, signal });
  if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
  return asAnswer(await response.json());
}

/** An answer that the service still keeps, as `reconstruct` gives it, and its photo, or null where that is not kept. */
export async function keptAnswer(id) {
  const [answer, photo] = await Promise.allSettled([download(`reconstructions/${id}`), download(`reconstructions/${id}/photo.jpg`)]);
  if (answer.status === "rejected") throw answer.reason;
  const file = JSON.parse(await answer.value.text());
  const picture = photo.status === "fulfilled" ? new File([photo.value], "kept photo.jpg", { type: "image/jpeg" }) : null;
  return { answer: asAnswer(file), photo: picture };
}

const asAnswer = (file) => ({ ...file, people: file.hands ?? file.people, subject: file.hands ? "hand" : "body", file });

const repeated = ([name, value]) => (Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]]);

/** Fetches one of an answer's files. */
export async function download(address) {
  let response;
  try {
    response = await fetch(address);
  } catch {
    throw await unreachable(null);
  }
  if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
  return response.blob();
}

async function unreachable(photo) {
  const alive = await fetch("v2/health/live").then((response) => response.ok, () => false);
  if (!alive) {
    const detail = "It may have stopped, or the network is down. Try again in a moment.";
    return new Problem("The service cannot be reached", detail, { again: true });
  }
  const size = photo ? ` (${(photo.size / 2 ** 20).toFixed(1)} MB)` : "";
  const detail = `It ended before the answer. If the file is large${size}, scale it down; else try again.`;
  return new Problem("The connection broke off", detail, { again: true });
}
