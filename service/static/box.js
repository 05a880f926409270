// A box that people draw around somebody who was missed: with a pointer, or with the keyboard.

import { fit } from "./camera.js";

const LEAST = 8; // pixels of the screen: who draws less did not mean to
const STEP = 0.02; // of the photo, for each arrow key

/**
 * Lets one box be drawn over the photo in `frame`, around what `what` says; resolves to x, y, width, height in the photo's pixels, or to null if
 * somebody thought better of it.
 */
export function drawBox(frame, photo, what) {
  const sheet = document.createElement("div");
  sheet.className = "drawing";
  sheet.tabIndex = 0;
  sheet.role = "application";
  sheet.ariaLabel = `${what} Arrow keys move the box, with Shift they change its size, Enter uses it, Escape leaves.`;
  const box = document.createElement("div");
  sheet.append(box);
  frame.append(sheet);
  frame.scrollIntoView({ block: "nearest" });
  sheet.focus();

  let part = [0.35, 0.15, 0.3, 0.7]; // x, y, width, height, as parts of the photo
  const paint = () => {
    const { clientWidth, clientHeight } = frame;
    const { left, top, scale } = fit(photo, clientWidth, clientHeight);
    const [x, y, w, h] = inPixels(part, photo).map((value) => scale * value);
    Object.assign(box.style, { left: `${left + x}px`, top: `${top + y}px`, width: `${w}px`, height: `${h}px` });
  };
  const at = ({ clientX, clientY }) => {
    const bounds = frame.getBoundingClientRect();
    const { left, top, scale } = fit(photo, bounds.width, bounds.height);
    const within = (value) => Math.min(1, Math.max(0, value));
    return [
      within((clientX - bounds.left - left) / (scale * photo.width)),
      within((clientY - bounds.top - top) / (scale * photo.height)),
    ];
  };
  paint();

  return new Promise((resolve) => {
    const watcher = new ResizeObserver(paint);
    watcher.observe(frame);
    let finished = false; // what is removed loses its focus, too
    const finish = (answer) => {
      if (finished) return;
      finished = true;
      watcher.disconnect();
      sheet.remove();
      resolve(answer);
    };
    let corner = null;
    sheet.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      sheet.focus();
      sheet.setPointerCapture(event.pointerId);
      corner = at(event);
    });
    sheet.addEventListener("pointermove", (event) => {
      if (corner === null) return;
      part = spanned(corner, at(event));
      paint();
    });
    sheet.addEventListener("pointercancel", () => (corner = null));
    sheet.addEventListener("pointerup", () => {
      if (corner === null) return;
      corner = null;
      if (Math.min(box.offsetWidth, box.offsetHeight) >= LEAST) finish(inPixels(part, photo));
    });
    sheet.addEventListener("keydown", (event) => {
      if (event.key === "Enter") finish(inPixels(part, photo));
      else if (event.key === "Escape") finish(null);
      else if (!moveBy(part, event)) return;
      event.preventDefault();
      paint();
    });
    sheet.addEventListener("blur", () => corner === null && finish(null));
  });
}

const spanned = ([ax, ay], [bx, by]) => [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by)];

const inPixels = ([x, y, w, h], { width, height }) =>
  [x * width, y * height, w * width, h * height].map((value) => Math.round(value));

/** Moves a box, or with Shift changes its size, by an arrow key; false for any other key. */
function moveBy(part, { key, shiftKey }) {
  const [x, y] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[key] ?? [];
  if (x === undefined) return false;
  const first = shiftKey ? 2 : 0;
  part[first] = Math.min(shiftKey ? 1 - part[0] : 1 - part[2], Math.max(shiftKey ? STEP : 0, part[first] + x));
  part[first + 1] = Math.min(shiftKey ? 1 - part[1] : 1 - part[3], Math.max(shiftKey ? STEP : 0, part[first + 1] + y));
  return true;
}
