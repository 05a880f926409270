// One colour a person, the same in every view and in the service's own pictures (model/rendering/overlay.py).
// Okabe and Ito's, which colour-blind eyes can tell apart as well.

const COLOURS = ["#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2"];

/** The colour of the person with this index. */
export const colourOf = (index) => COLOURS[index % COLOURS.length];
