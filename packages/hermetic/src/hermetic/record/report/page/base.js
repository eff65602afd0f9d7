/* Whatever comes from tests goes in as text, never as markup. */
const ORDER = ["lost", "error", "failed", "xpassed", "flaky", "passed", "xfailed", "skipped"];
const $ = (id) => document.getElementById(id);
// Control characters, marks of direction and lone surrogates are shown as what they are, not obeyed.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const plain = (text) => String(text).replace(HIDDEN, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "onclick") element.addEventListener("click", value);
    else element.setAttribute(key, value);
  }
  for (const child of children) element.append(typeof child === "string" ? plain(child) : child);
  return element;
}
const seconds = (value) => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3)) + " s";
const short = (id) => id.split("::").slice(1).join("::") || id;
const count = (number, noun) => number + " " + noun + (number === 1 ? "" : "s");

async function unpack(id) {
  const text = atob($(id).textContent.trim());
  const packed = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) packed[index] = text.charCodeAt(index);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/* The address holds the state, so that a view can be sent as a link. */
const state = { q: "", o: new Set(), tag: "", cause: "", test: "" };
function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  state.q = given.get("q") || "";
  state.o = new Set((given.get("o") || "").split(",").filter((one) => ORDER.includes(one)));
  for (const name of ["tag", "cause", "test"]) state[name] = given.get(name) || "";
}
function toAddress() {
  const given = new URLSearchParams();
  if (state.q) given.set("q", state.q);
  if (state.o.size) given.set("o", [...state.o].join(","));
  for (const name of ["tag", "cause", "test"]) if (state[name]) given.set(name, state[name]);
  history.replaceState(null, "", "#" + given.toString());
}
/* How the last tries of a test ended, a letter each: the letter is read out, the colour is for the eye. */
function strip(letters) {
  const names = { ".": "passed", F: "failed", E: "error", L: "lost", s: "skipped", x: "xfailed", X: "xpassed" };
  const box = make("span", { class: "strip", role: "img", "aria-label": "Earlier tries, oldest first: " + [...letters].map((one) => names[one] || one).join(", ") });
  for (const letter of letters) box.append(make("span", { class: names[letter] || "skipped" }, letter));
  return box;
}
