// Puts a file onto the user's disk.

import { download } from "./api.js";

/** Saves what is at an address of the service. Throws a Problem. */
export async function saveAddress(address, name) {
  saveBlob(await download(address), name);
}

/** Saves an answer as JSON. */
export function saveJson(answer, name) {
  saveBlob(new Blob([JSON.stringify(answer, null, 1)], { type: "application/json" }), name);
}

/** Saves a Blob. */
export function saveBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
