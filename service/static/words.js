// What the page says of itself: what is going on, and what is kept.

const element = (id) => document.getElementById(id);

let said = "";
/** Says what is going on; `part` of it is done, 0 to 1, or null if nobody knows. */
export function say(text, part) {
  const bar = element("bar");
  if (part === null) bar.removeAttribute("value");
  else bar.value = part;
  element("step").textContent = part ? `${text}, ${Math.round(100 * part)} %` : `${text} …`;
  if (text !== said) element("status").textContent = said = text; // once a step: a screen reader reads it out
}

/** How long the service keeps what, for those who wonder. */
export function whatIsKept({ store_lifetime: seconds, keep_photos: photos, videos, job_lifetime: more }) {
  const what = photos ? "Meshes, and the photo scaled down," : "Meshes, but no photo,";
  const films = videos ? `, what comes of films for ${inWords(more)}` : "";
  return `${what} are kept for ${inWords(seconds)}${films}, for whoever has the link; then they are deleted. Nothing is passed on.`;
}

function inWords(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
