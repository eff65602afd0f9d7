/* The list of all tests: columns, filters, and only those rows that can be seen. */
const ROW = 28;
let tests = [], shown = [], cursor = 0, stories = null;

function fill(columns) {
  const cause = new Map(columns.with_cause.map((row, number) => [row, columns.causes[number]]));
  const tags = new Map();
  for (const [name, rows] of Object.entries(columns.tags)) for (const row of rows) tags.set(row, [...(tags.get(row) || []), name]);
  let id = "";
  tests = columns.rest.map((rest, row) => {
    id = id.slice(0, columns.shared[row]) + rest;
    const title = columns.titles[cause.get(row)] || "";
    return { row, id, title, outcome: ORDER[columns.outcomes[row]], duration_s: columns.took_ms[row] / 1000, line: columns.lines[row], tags: tags.get(row) || [], strip: columns.strips[row] || "", find: (id + " " + title).toLowerCase() };
  });
}
/* Stories are searched as well once they are there: what was logged or printed is in them. */
function told() {
  for (const [row, text] of Object.entries(stories)) tests[row].find += " " + text.toLowerCase();
}
function drawChips() {
  const chip = (attributes, change, ...words) => $("chips").append(make("button", { type: "button", "aria-pressed": "false", ...attributes, onclick: () => choose(change()) }, ...words));
  for (const outcome of ORDER) {
    if (!first.counts[outcome]) continue;
    chip({ "data-outcome": outcome }, () => { state.o.has(outcome) ? state.o.delete(outcome) : state.o.add(outcome); return {}; }, make("span", { class: outcome }, outcome), " " + first.counts[outcome]);
  }
  for (const [name, number] of Object.entries(first.tags)) chip({ "data-tag": name }, () => ({ tag: state.tag === name ? "" : name }), name + " " + number);
}
function choose(change) {
  Object.assign(state, change);
  toAddress();
  apply();
  if (change.test && !("row" in change)) $("detail").scrollIntoView({ block: "nearest" });
}
function apply() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  shown = tests.filter((test) =>
    (!state.o.size || state.o.has(test.outcome)) && (!state.tag || test.tags.includes(state.tag)) && (!state.cause || test.title === state.cause) && words.every((word) => test.find.includes(word)));
  for (const chip of $("chips").querySelectorAll("button")) chip.setAttribute("aria-pressed", String(chip.dataset.tag ? chip.dataset.tag === state.tag : state.o.has(chip.dataset.outcome)));
  if ($("search").value !== state.q) $("search").value = state.q;
  $("clear").hidden = !(state.q || state.o.size || state.cause || state.tag);
  $("number").textContent = shown.length + " of " + tests.length + " tests" + (state.cause ? " with the cause: " + plain(state.cause) : "") + (state.tag ? ", " + state.tag : "");
  $("rows").style.height = shown.length * ROW + "px";
  const at = state.test ? shown.findIndex((test) => test.id === state.test) : -1;
  cursor = Math.max(0, at);
  if (at < 0) $("list").scrollTop = 0;
  else inSight();
  drawRows();
  drawTest();
}
/* The file is what gives way where there is little room. */
function nodeid(id) {
  const at = id.indexOf("::") + 2;
  return make("span", { class: "id" }, ...(at > 1 ? [make("span", { class: "file" }, id.slice(0, at)), id.slice(at)] : [id]));
}
function row(test, index) {
  const button = make("button", { class: "row", type: "button", tabindex: index === cursor ? "0" : "-1", "data-index": String(index), onclick: () => { cursor = index; choose({ test: test.id, row: index }); } },
    make("span", { class: "outcome " + test.outcome }, test.outcome), nodeid(test.id));
  if (test.tags && test.tags.length) button.append(make("span", { class: "tag" }, test.tags[0]));
  if (test.strip) button.append(strip(test.strip));
  button.append(make("span", { class: "took" }, seconds(test.duration_s)));
  if (test.id === state.test) button.setAttribute("aria-current", "true");
  const item = make("li", { "aria-setsize": String(shown.length), "aria-posinset": String(index + 1) }, button);
  item.style.top = index * ROW + "px";
  return item;
}
function drawRows() {
  const list = $("list"), box = $("rows");
  const from = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
  const to = Math.min(shown.length, from + Math.ceil(list.clientHeight / ROW) + 10);
  const drawn = [];
  for (let index = from; index < to; index++) drawn.push(row(shown[index], index));
  const had = document.activeElement && document.activeElement.classList.contains("row");
  box.replaceChildren(...drawn);
  if (had) focusRow();
}
function focusRow() {
  const found = $("rows").querySelector('[data-index="' + cursor + '"]');
  if (found) found.focus({ preventScroll: true });
}
function inSight() {
  const list = $("list"), top = cursor * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
}
function move(by) {
  cursor = Math.min(shown.length - 1, Math.max(0, cursor + by));
  inSight();
  drawRows();
  focusRow();
}
