// One photo's way through the service: wait until it is ready, send, wait for the answer, try again if it is busy.

import { readiness, reconstruct } from "./api.js";
import { SUBJECTS } from "./subjects.js";
import { Problem } from "./errors.js";

const POLL = 1500; // milliseconds
const TRIES = 4;
const LONGEST_WAIT = 10; // seconds that we wait by ourselves when the service is busy

/** Returns the service's answer. `more` are further parameters; `say(text, part)` hears what is going on; part is 0 to 1, or null if unknown. */
export async function ask(photo, subject, mode, more, signal, say) {
  for (let tries = 1; ; tries++) {
    await untilReady(signal, say);
    try {
      say("Sending the photo", 0);
      return await reconstruct(photo, {
        subject,
        mode,
        more,
        signal,
        onSent: (part) => {
          if (part < 1) say("Sending the photo", part);
          else say(SUBJECTS[subject].working, null);
        },
      });
    } catch (error) {
      if (!error.wait || error.wait > LONGEST_WAIT || tries === TRIES) throw error;
      say(`The service is busy; trying again in ${error.wait} s`, null);
      await pause(1000 * error.wait, signal);
    }
  }
}

async function untilReady(signal, say) {
  for (;;) {
    const { ready, detail } = await readiness();
    signal.throwIfAborted();
    if (ready || detail === null) return; // if it cannot be reached, sending will tell why
    if (!isLoading(detail)) throw new Problem("The service is not ready", detail, { again: true });
    say("The model is still loading", null);
    await pause(POLL, signal);
  }
}

/** Whether waiting helps: a model that failed to load will not come. */
export const isLoading = (detail) => /loading/i.test(detail);

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
