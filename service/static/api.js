// Talks to the service. Every failure comes out as a Problem.

import { Problem, problemOf } from "./errors.js";

const KEY = "mpt-key";

export const useKey = (key) => sessionStorage.setItem(KEY, key);

const keyHeaders = () => {
  const key = sessionStorage.getItem(KEY);
  return key ? { "X-API-Key": key } : {};
};

/** Whether photos can be sent: { ready, detail, limit }, the limit in bytes where the service says it. */
export async function readiness() {
  const response = await fetch("v2/health/ready").catch(() => null);
  if (response === null) return { ready: false, detail: null, limit: null };
  const answer = await response.json().catch(() => ({}));
  return { ready: response.ok, detail: answer.detail ?? null, limit: answer.limits?.max_body_bytes ?? null };
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
export function reconstruct(photo, { subject = "body", mode = null, more = {}, signal, onSent = () => {} }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
    const parameters = { ...(subject !== "body" && { subject }), ...(mode && { mode }), ...more };
    const query = new URLSearchParams(Object.entries(parameters).flatMap(repeated)).toString();
    request.open("POST", query ? `reconstruct?${query}` : "reconstruct");
    for (const [name, value] of Object.entries(keyHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total);
    request.upload.onload = () => onSent(1);
    request.onload = () => {
      const { status, responseText } = request;
      if (status === 200) {
        const file = JSON.parse(responseText);
        resolve({ ...file, people: file.hands ?? file.people, subject, file });
      } else reject(problemOf(status, responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = async () => reject(await unreachable(photo));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const body = new FormData();
    body.append("image", photo, photo.name || "photo");
    request.send(body);
  });
}

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
  const detail = `It ended before the answer. If the photo is large${size}, scale it down; else try again.`;
  return new Problem("The connection broke off", detail, { again: true });
}
