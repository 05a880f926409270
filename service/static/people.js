// The list of people: who is selected, and each one's files.

import { colourOf } from "./palette.js";
import { SUBJECTS } from "./subjects.js";

const FILES = {
  glb: ["GLB", "glb", "A mesh for 3D programs and the web"],
  obj: ["OBJ", "obj", "A mesh as text"],
  rigged: ["RIG", "rigged.glb", "A mesh with a skeleton, for animation"],
  bvh: ["BVH", "bvh", "The pose alone, for animation programs"],
};

/** Lists the people of answers, one for each mode shown. Calls `select(index or null)` and `save(address, name)`. */
export function listPeople(place, answers, selected, { select, save }) {
  const { people, subject } = answers[0];
  const words = SUBJECTS[subject];
  const list = make("fieldset", "people");
  list.append(make("legend", "", words.count(people.length)));
  if (people.length > 1) list.append(choice(words.all, "", null, selected, select));
  people.forEach((person, index) => {
    const row = make("div", "person");
    row.append(choice(words.one({ ...person, index }), about(person), index, people.length === 1 ? 0 : selected, select));
    for (const answer of answers) {
      const mode = answers.length > 1 ? answer.mode : null;
      if (!answer.people[index]) continue;
      row.append(files(answer.people[index].mesh, `${words.file} ${index + 1}`, mode, save));
    }
    list.append(row);
  });
  place.replaceChildren(list);
}

/** Marks another person as the selected one. */
export function markSelected(place, selected) {
  const radio = place.querySelector(`input[value="${selected ?? "all"}"]`);
  if (radio) radio.checked = true;
}

function choice(name, detail, index, selected, select) {
  const label = make("label", "choice");
  const radio = make("input", "unseen");
  Object.assign(radio, { type: "radio", name: "person", value: index ?? "all", checked: index === selected });
  radio.addEventListener("change", () => select(index));
  const dot = make("span", "dot");
  if (index !== null) dot.style.background = colourOf(index);
  const words = make("span", "words");
  words.append(make("strong", "", name));
  if (detail) words.append(make("span", "small", detail));
  label.append(radio, dot, words);
  return label;
}

function about({ score, camera }) {
  return `${certainty(score)}, about\u00a0${camera.translation[2].toFixed(1)}\u00a0m\u00a0away`;
}

/** What a score means. */
function certainty(score) {
  if (score >= 0.7) return "Clearly seen";
  if (score >= 0.5) return "Seen well";
  return score >= 0.35 ? "Partly guessed" : "Mostly a guess";
}

function files(mesh, name, mode, save) {
  const links = make("span", "files");
  if (mode) links.append(make("span", "small", mode));
  for (const [kind, [short, ending, title]] of Object.entries(FILES)) {
    if (!mesh[kind]) continue;
    const link = make("a", "", short);
    link.href = mesh[kind];
    link.title = title;
    link.download = `${fileName(name, mode)}.${ending}`;
    link.ariaLabel = `Download ${short} of ${name}${mode ? `, ${mode}` : ""}`;
    link.addEventListener("click", (event) => {
      event.preventDefault(); // so that an expired link gives a sentence
      save(link.href, link.download);
    });
    links.append(link);
  }
  return links;
}

const fileName = (name, mode) => `${name.replace(" ", "-")}${mode ? `-${mode}` : ""}`;

function make(tag, name, text = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text) node.textContent = text;
  return node;
}
