// The ways photos come in: chosen, dropped, pasted, or the built-in sample.

import { Problem } from "./errors.js";
import { download } from "./api.js";

const ACCEPTED = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]; // HEIC not by every service
const element = (id) => document.getElementById(id);

/** Calls `begin` with the photos that come in: Files, or functions that return a promise of one. */
export function watchUploads(begin) {
  const input = element("file");
  const choose = () => input.click();
  element("drop").addEventListener("click", choose); // the button within lies in it
  for (const button of document.querySelectorAll(".choose-another")) button.addEventListener("click", choose);
  input.addEventListener("change", () => {
    if (input.files.length) begin([...input.files]);
    input.value = ""; // so that choosing the same photo again counts as a change
  });
  element("sample").addEventListener("click", () => begin([sample]));
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) begin([...event.clipboardData.files]);
  });
  watchDrops(begin);
}

function watchDrops(begin) {
  const veil = element("veil");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  for (const type of ["dragenter", "dragover"]) {
    document.addEventListener(type, (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      veil.hidden = false;
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) begin([...event.dataTransfer.files]);
  });
}

async function sample() {
  const blob = await download("static/sample.jpg");
  return new File([blob], "sample.jpg", { type: "image/jpeg" });
}

/** The photo as the service takes it: other pictures that this browser can read are turned into JPEG. */
export async function prepared(photo, limit) {
  let ready = photo;
  if (photo.type.startsWith("image/") && !ACCEPTED.includes(photo.type)) ready = (await asJpeg(photo)) ?? photo;
  if (ready.size > limit) {
    throw new Problem(
      "Photo too large",
      `${photo.name || "This photo"} has ${inMegabytes(ready.size)}; at most ${inMegabytes(limit)} can be sent. ` +
        "Scale it down, or save it as JPEG, and try again.",
    );
  }
  return ready;
}

/** Bytes for people. */
export const inMegabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;

async function asJpeg(photo) {
  const bitmap = await createImageBitmap(photo).catch(() => null);
  if (bitmap === null) return null; // the service will say what it thinks of it
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return blob && new File([blob], `${photo.name.replace(/\.\w+$/, "")}.jpg`, { type: "image/jpeg" });
}
