/* One test: its cause, its failure, its tries, what is known of its past. Its story is read when it is opened. */
function drawTest() {
  const box = $("detail");
  const test = state.test ? tests.find((one) => one.id === state.test) : null;
  box.hidden = !test;
  box.replaceChildren(...(test ? about(test) : []));
}
function about(test) {
  const known = stories && stories[test.row] ? JSON.parse(stories[test.row]) : { tries: [] };
  const parts = [heading(test), rerun(test)];
  if (stories === null) parts.push(make("p", { class: "soft" }, "Reading …"));
  if (known.past) parts.push(make("p", {}, strip(known.past.strip), " ", known.past.said, ...(known.past.said.includes(known.past.rate) ? [] : [soft(" · " + known.past.rate)])));
  for (const row of compared(test)) parts.push(make("p", {}, row));
  for (const one of known.diagnoses || []) parts.push(cause(one));
  if (known.text) parts.push(make("h3", {}, "Failure"), failureText(known.text));
  known.tries.forEach((one, number) => parts.push(...attempt(known, one, number)));
  for (const one of known.findings || []) parts.push(...finding(one));
  if (!known.tries.length && stories !== null) parts.push(make("p", { class: "soft" }, "It passed, and nothing was found: the journal has what happened in it (hermetic show)."));
  return parts;
}
function heading(test) {
  const close = make("button", { type: "button", class: "close", "aria-label": "Close this test", onclick: () => choose({ test: "" }) }, "×");
  return make("h2", {}, make("span", { class: test.outcome }, test.outcome), " ", make("span", { class: "id" }, test.id), " ", close);
}
function rerun(test) {
  const command = "pytest '" + test.id.replaceAll("'", "'\\''") + "'";
  const copy = make("button", { type: "button", onclick: async () => {
    try { await navigator.clipboard.writeText(command); copy.textContent = "copied"; } catch { copy.textContent = "select and copy it"; }
  } }, "copy");
  const file = test.id.split("::")[0] + ":" + test.line;
  return make("p", {}, make("span", { class: "soft" }, file + " · " + seconds(test.duration_s) + " · run again: "), make("code", {}, command), " ", copy);
}
function compared(test) {
  const found = [];
  for (const [name, rows] of Object.entries((first.comparison || { rows: {} }).rows)) {
    for (const row of rows) if (row[0] === test.id) found.push(name + " since run " + first.comparison.run + ": " + (row[1] ? row[1] + " → " : "") + row[2]);
  }
  return found;
}
function cause(one) {
  const box = make("div", { class: "cause" }, make("strong", {}, one.cause), " ", soft(one.rule + ", " + one.confidence), make("ul", {}, ...one.evidence.map((each) => make("li", {}, each))), make("p", {}, one.remedy.text));
  if (one.remedy.code) box.append(make("pre", { tabindex: "0", "aria-label": "Remedy" }, one.remedy.code));
  return box;
}
/* pytest's own text: the line that failed and the differences stand out. */
function failureText(text) {
  const box = make("pre", { tabindex: "0", "aria-label": "Failure" });
  const lines = text.split("\n");
  lines.forEach((each, index) => {
    const kind = /^E\s+-/.test(each) ? "less" : /^E\s+\+(?!\s+(where|and) )/.test(each) ? "more" : /^E/.test(each) ? "said" : /^>/.test(each) ? "at" : "";
    const end = index < lines.length - 1 ? "\n" : "";
    box.append(kind && index < 400 ? make("span", { class: kind }, each + end) : plain(each + end));
  });
  return box;
}
function attempt(test, one, number) {
  const parts = [];
  if (test.tries.length > 1) parts.push(make("h3", {}, "Try " + (number + 1) + ": ", make("span", { class: one.outcome }, one.outcome), " in " + seconds(one.duration_s) + " on " + one.worker));
  if (one.nature === "infrastructure") parts.push(make("p", { class: "soft" }, "Infrastructure: a connection, a name, a descriptor, memory or disk was not to be had."));
  for (const failure of one.failure || []) {
    const table = make("table", {}, make("caption", {}, failure.type + ": " + failure.message.split("\n")[0].slice(0, 400)));
    for (const frame of failure.frames) table.append(make("tr", {}, make("td", {}, frame.file.split("/").pop() + ":" + frame.line), make("td", {}, frame.function), make("td", {}, make("code", {}, frame.source))));
    parts.push(table);
  }
  for (const text of one.waits || []) parts.push(make("h3", {}, "What waited when its time was over"), make("pre", { tabindex: "0", "aria-label": "Await tree" }, text));
  if (one.alive) parts.push(make("h3", {}, "Tasks that were alive when it failed, and what each awaited"), make("pre", { tabindex: "0", "aria-label": "Await tree at the failure" }, one.alive));
  parts.push(...timeline(one), ...happened(one));
  for (const output of one.output || []) parts.push(make("h3", {}, output.title), make("pre", { tabindex: "0", "aria-label": plain(output.title) }, output.text));
  return parts;
}
function happened(one) {
  const events = one.events || [];
  if (!events.length) return [];
  const table = make("table", {}, make("tr", {}, ...["at", "took", "lane", "what happened"].map((name) => make("th", { scope: "col" }, name))));
  for (const event of events) table.append(make("tr", { class: "of-" + event.lane }, make("td", {}, "+" + seconds(event.at_s - one.began_s)), make("td", {}, event.took_s ? seconds(event.took_s) : ""), make("td", {}, event.lane), make("td", {}, event.label)));
  const left = one.events_left_out ? "; " + one.events_left_out + " in the middle are in the journal" : "";
  const box = make("details", {}, make("summary", {}, "Journal and log: " + count(events.length, "event") + left), table);
  if (events.length <= 60) box.open = true;
  return [box];
}
function finding(one) {
  const parts = [make("h3", {}, one.title + ": " + one.subject)];
  const frames = (one.site || { frames: [] }).frames.slice(0, 5).map((frame) => make("li", {}, frame.file + ":" + frame.line + " in " + frame.function, ...(frame.source ? [make("code", { class: "source" }, frame.source)] : [])));
  if (frames.length) parts.push(make("p", { class: "soft" }, one.category === "block" ? "held at" : "made at"), make("ul", { class: "id" }, ...frames));
  if (one.evidence.length) parts.push(make("p", {}, one.evidence.join("; ")));
  if (one.remedy) parts.push(make("pre", { tabindex: "0", "aria-label": "Remedy" }, one.remedy.text + (one.remedy.code ? "\n" + one.remedy.code : "")));
  if (one.mended) parts.push(make("p", { class: "soft" }, "afterwards: " + one.mended));
  return parts;
}
