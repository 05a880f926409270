// Zero-shot, fine-tuned, or both side by side: offered where the service has both.

const NAMES = { "zero-shot": "Zero-shot", "fine-tuned": "Fine-tuned", both: "Side by side" };

/** Offers the modes in a fieldset; stays hidden with fewer than two. Calls `choose(list of modes)`. */
export function offerModes(place, modes, choose) {
  place.hidden = modes.length < 2;
  if (place.hidden) return;
  const options = [...modes, "both"].map((mode, index) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "mode", value: mode });
    radio.checked = index === 0;
    radio.addEventListener("change", () => choose(mode === "both" ? modes : [mode]));
    const name = document.createElement("span");
    name.textContent = NAMES[mode] ?? mode;
    label.append(radio, name);
    return label;
  });
  place.replaceChildren(place.querySelector("legend"), ...options);
}

export const nameOf = (mode) => NAMES[mode] ?? mode;
