// What went wrong, in words for people: a title, a sentence that says what to do, and whether trying again may help.

export class Problem extends Error {
  constructor(title, detail, { again = false, key = false, wait = null } = {}) {
    super(detail);
    this.title = title;
    this.again = again; // the same photo may work a moment later
    this.key = key; // the service wants a key
    this.wait = wait; // seconds that the service asks us to wait
  }
}

const NO_KEY = "Its operator gives them out. It is kept until this tab is closed.";
const TOO_LARGE = "The service refuses so large a file. Scale the photo down, or save it as JPEG.";

/** What an answer with an error status says: the service's own words (RFC 9457) where it has some. */
export function problemOf(status, text, retryAfter) {
  const problem = parsed(text);
  const again = status === 408 || status === 429 || status >= 500;
  const wait = again && retryAfter ? Number(retryAfter) || null : null;
  if (status === 401) return new Problem("This service asks for a key", NO_KEY, { key: true });
  if (problem?.detail) return new Problem(problem.title ?? "That did not work", problem.detail, { again, wait });
  if (status === 413) return new Problem("Photo too large", TOO_LARGE); // a proxy's answer: ours has words
  const detail = `The service answered ${status} without saying why. Try again in a moment.`;
  return new Problem("That did not work", detail, { again: true, wait });
}

/** Anything that was thrown, as a Problem. */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem("This page failed", `${error.message}. Reload it and try again.`, { again: true });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
