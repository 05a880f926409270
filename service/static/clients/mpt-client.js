// A client of the service in one file, for browsers and Node 18 or newer: copy it, for Node as mpt-client.mjs.
//
//   import { Client } from "./mpt-client.js";
//   const client = new Client("http://localhost:8000");
//   const { people } = await client.reconstruct(file);          // a File, a Blob or bytes
//   const vertices = await client.vertices(people[0]);          // Float32Array, x, y, z after each other
//   const job = await client.wait(await client.sendVideo(film), { tell: (progress) => console.log(progress) });

/** The service refused a request: `status`, `type` for programs, and a message that says what to do. */
export class Refused extends Error {
  constructor({ status, type, detail }) {
    super(detail);
    this.name = "Refused";
    this.status = status;
    this.type = type;
  }
}

/** Asks one service. */
export class Client {
  #url;
  #headers;
  #tries;
  #faces = new Map();

  /**
   * @param {string} url Where it is.
   * @param {{key?: string, tries?: number}} options The API key, if it wants one, and how often a request is sent while
   *   the service is busy, or had it give way to others.
   */
  constructor(url = "http://localhost:8000", { key, tries = 4 } = {}) {
    this.#url = url.endsWith("/") ? url : `${url}/`;
    this.#headers = key ? { "X-API-Key": key } : {};
    this.#tries = tries;
  }

  /** The people of a photo; `query` as of POST /reconstruct, such as { max_people: 1 } or { bbox: [[120, 40, 200, 460]] }. */
  async reconstruct(photo, query = {}, { signal } = {}) {
    return (await this.#send("POST", `v1/reconstruct${words(query)}`, { body: photo, signal })).json();
  }

  /** Several photos in one request: for each its status, and a reconstruction or a problem. */
  async reconstructAll(photos, query = {}, { signal } = {}) {
    const body = new FormData();
    for (const photo of photos) body.append("image", photo instanceof Blob ? photo : new Blob([photo]), "photo");
    return (await (await this.#send("POST", `v1/reconstruct/batch${words(query)}`, { body, signal })).json()).results;
  }

  /** An answer once more. */
  async reconstruction(id) {
    return (await this.#send("GET", `v1/reconstructions/${id}`)).json();
  }

  /** Deletes an answer and its files. */
  async deleteReconstruction(id) {
    await this.#send("DELETE", `v1/reconstructions/${id}`);
  }

  /** A person's vertices in metres, camera frame, her pelvis at the origin: x, y, z after each other. */
  async vertices(person) {
    return new Float32Array(await this.#bytes(person.mesh.vertices));
  }

  /** The faces of a person's mesh, three vertices each; the same for all, and fetched once. */
  async faces(person) {
    const link = `${person.mesh.topology}.u32`;
    if (!this.#faces.has(link)) this.#faces.set(link, new Uint32Array(await this.#bytes(link)));
    return this.#faces.get(link);
  }

  /** Sends a video; `query` as of POST /videos, such as { format: ["glb", "bvh"] }. Returns the job: see wait. */
  async sendVideo(video, query = {}, { signal } = {}) {
    return (await this.#send("POST", `v1/videos${words(query)}`, { body: video, signal })).json();
  }

  /** How far a job is. */
  async job(id) {
    return (await this.#send("GET", `v1/jobs/${id}`)).json();
  }

  /** Waits until a job has ended; `tell` gets its progress, 0 to 1, as it goes. Throws Refused if it fails. */
  async wait(job, { tell = () => {}, every = 1000 } = {}) {
    for (;;) {
      const now = await this.job(job.id);
      tell(now.progress);
      if (now.status === "succeeded") return now;
      if (now.status === "failed") throw new Refused(now.problem);
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  }

  /** Ends a job, and deletes its files. */
  async deleteJob(id) {
    await this.#send("DELETE", `v1/jobs/${id}`);
  }

  /** What is under a link of an answer, as a Response. */
  async fetch(link) {
    return this.#send("GET", link);
  }

  async #bytes(link) {
    return (await this.#send("GET", link)).arrayBuffer();
  }

  async #send(method, path, { body, signal } = {}) {
    const bare = body !== undefined && !(body instanceof FormData);
    const headers = { ...this.#headers, ...(bare ? { "Content-Type": "application/octet-stream" } : {}) };
    for (let rest = this.#tries - 1; ; rest--) {
      const response = await fetch(new URL(path, this.#url), { method, headers, body, signal });
      if (response.ok) return response;
      const busy = [408, 429, 503].includes(response.status);
      if (!busy || rest <= 0) throw await refused(response);
      await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
    }
  }
}

function words(query) {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((each) => [name, String(each)]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function refused(response) {
  const problem = await response.json().catch(() => null);
  const detail = problem?.detail ?? `The service answered ${response.status}.`;
  return new Refused({ status: response.status, type: problem?.type ?? "about:blank", detail });
}
