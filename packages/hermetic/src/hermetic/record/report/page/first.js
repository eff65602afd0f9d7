/* The first screen: what is wrong, since when, how sure that is, what to do. Drawn before anything else is unpacked. */
const first = JSON.parse($("first").textContent);
const panel = (title, list, wide) => $("facts").append(make("section", wide ? { class: "wide" } : {}, make("h2", {}, title), list));
const line = (label, ...rest) => make("li", {}, make("span", {}, label), make("span", {}, ...rest));
const soft = (text) => make("span", { class: "soft" }, text);
const toTest = (id) => make("button", { class: "link id", title: plain(id), type: "button", onclick: () => choose({ test: id }) }, short(id));

function drawFirst() {
  document.title = plain(first.verdict);
  $("verdict").textContent = plain(first.verdict);
  drawRun();
  drawCauses();
  drawSince();
  drawComparison();
  if (first.findings.length) {
    const lines = first.findings.map((one) => line(String(one.count), one.title + " ", soft(one.level)));
    const more = first.findings_in_all - first.findings.length;
    if (more > 0) lines.push(line("", soft("and " + more + " more")));
    panel("Findings", make("ul", {}, ...lines));
  }
  panel("Slowest", make("ol", {}, ...first.slowest.map((one) => make("li", {}, make("span", {}, seconds(one.duration_s)), toTest(one.id)))));
  if (first.hungriest.length) panel("Hungriest", make("ol", {}, ...first.hungriest.map((one) => make("li", {}, make("span", {}, one.memory_mb.toFixed(1) + " MiB"), toTest(one.id)))));
  if (first.workers.length) panel("Workers", workers());
  const about = first.run.environment;
  const began = new Date(first.run.began_at * 1000).toISOString().replace("T", " ").slice(0, 19) + " UTC";
  $("environment").textContent = plain(["pytest-hermetic " + about.hermetic, "Python " + about.python, about.platform, "run " + first.run.id, began].join(" · "));
}
function drawRun() {
  const lines = first.diagnoses.map((one) => line("run", one.cause + " " + one.remedy.text));
  lines.push(...first.collection_failures.map((one) => line("file", one.node + ": " + one.text.split("\n").pop())));
  lines.push(...first.problems.map((one) => line("note", one)));
  if (lines.length) panel("The run", make("ul", {}, ...lines), true);
}
function drawCauses() {
  if (!first.groups.length) return;
  const lines = first.groups.slice(0, 5).map((group) => {
    const pick = make("button", { class: "link", type: "button", onclick: () => choose({ cause: group.title, o: new Set(), q: "", tag: "" }) }, group.title);
    const sure = group.rule === "unknown" ? "cause unknown" : group.rule + ", " + group.confidence;
    const said = make("span", { class: "said" }, pick, soft(sure + (group.since ? "; " + group.since : "")));
    return line(String(group.number), said, ...(group.rule === "unknown" ? [] : [make("span", { class: "todo" }, group.remedy)]));
  });
  if (first.groups_in_all > 5) lines.push(line("", soft("and " + (first.groups_in_all - 5) + " more")));
  panel("Failures by cause", make("ul", { class: "causes" }, ...lines), true);
}
function drawSince() {
  const past = first.past;
  if (!past) return;
  const lines = [];
  for (const name of ["new", "still failing", "known flaky", "mended"]) {
    if (first.tags[name]) lines.push(line(String(first.tags[name]), make("button", { class: "link", type: "button", onclick: () => choose({ tag: name, o: new Set(), q: "", cause: "" }) }, name)));
  }
  if (!lines.length) lines.push(line("0", "nothing new"));
  const usual = past.usual_s === null ? "" : ", usually " + seconds(past.usual_s);
  lines.push(line("", soft(count(past.runs, "run") + " of " + count(past.tests, "test") + " are known" + usual + "; " + (past.unsteady ? past.unsteady + " both passed and failed" : "none both passed and failed"))));
  if (past.durations_s.length > 1) lines.push(line("", curve([...past.durations_s, first.run.duration_s], "Seconds of the last runs and of this one", seconds)));
  panel("Since the last runs", make("ul", {}, ...lines));
}
function drawComparison() {
  const given = first.comparison;
  if (!given) return;
  const lines = [line("", soft("before: " + given.before)), line("", soft("after: " + given.after))];
  for (const [name, rows] of Object.entries(given.rows)) {
    if (!rows.length) continue;
    const label = name === "gone" ? make("span", {}, name + ": " + rows.slice(0, 5).map((row) => row[0]).join(", ") + (rows.length > 5 ? ", …" : "")) : make("button", { class: "link", type: "button", onclick: () => choose({ tag: name + " since", o: new Set(), q: "", cause: "" }) }, name);
    lines.push(line(String(rows.length), label));
  }
  if (lines.length === 2) lines.push(line("0", "no difference"));
  panel("Compared with run " + given.run, make("ul", {}, ...lines));
}
function workers() {
  const lanes = make("div", { class: "lanes" });
  for (const worker of first.workers) {
    const said = worker.name + ": " + worker.tests + (worker.tests === 1 ? " try" : " tries") + ", at work " + Math.round(100 * worker.busy) + " % of the time" + (worker.bad.length ? ", marks where one failed" : "");
    const lane = make("div", { class: "lane", role: "img", "aria-label": plain(said), title: plain(said) });
    for (const [from, took] of worker.bars) lane.append(bar(from / 10, took / 10));
    for (const at of worker.bad) lane.append(bar(at / 10, 0, "bad"));
    lanes.append(make("span", {}, worker.name), lane);
  }
  return lanes;
}
function bar(left, width, kind, title) {
  const span = make("span", { ...(kind ? { class: kind } : {}), ...(title ? { title: plain(title) } : {}) });
  span.style.left = Math.min(99.7, left) + "%";
  span.style.width = width + "%";
  return span;
}
