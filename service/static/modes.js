// Zero-shot, fine-tuned, or both side by side: offered where the service has both.

const NAMES = { "zero-shot": "Zero-shot", "fine-tuned": "Fine-tuned", both: "Side by side" };

/** Offers the modes in a fieldset; stays hidden with fewer than two. Calls `choose(list of modes)`. */
export function offerModes(place, modes, choose) {
  const options = modes.length > 1 ? [...modes, "both"] : modes;
  const named = options.map((mode) => [mode, nameOf(mode)]);
  segments(place, "mode", named, options[0], (mode) => choose(mode === "both" ? modes : [mode]));
}

/** Fills a fieldset with one radio button for each option [value, text]; hides it with fewer than two. */
export function segments(place, name, options, chosen, choose) {
  place.hidden = options.length < 2;
  const labels = options.map(([value, text]) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name, value });
    radio.checked = value === chosen;
    radio.addEventListener("change", () => choose(value));
    const words = document.createElement("span");
    words.textContent = text;
    label.append(radio, words);
    return label;
  });
  place.replaceChildren(place.querySelector("legend"), ...labels);
}

export const nameOf = (mode) => NAMES[mode] ?? mode;
