// Whether a GIF is an animation, which the browser does not say. As model/formats/gif.py.

const COLOURS = 0x80; // the flag that a table of 3 * 2^(n + 1) bytes follows; n is the lowest three bits
const [PICTURE, EXTENSION] = [0x2c, 0x21];

/** Whether a GIF's file holds more than one picture. */
export async function isAnimated(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const colours = (flags) => (flags & COLOURS ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + colours(bytes[10]); // signature, the screen's size and colours
  let pictures = 0;
  while ([PICTURE, EXTENSION].includes(bytes[at])) {
    if (bytes[at] === PICTURE) {
      pictures += 1;
      if (pictures > 1) return true;
      at += 9 + colours(bytes[at + 9]);
    }
    at += 2; // the kind, and the bits of a code or the kind of the extension
    while (bytes[at]) at += bytes[at] + 1;
    at += 1;
  }
  return false;
}
