/* Print, keys, start. */
function paper() {
  const box = $("paper");
  box.replaceChildren(make("h2", {}, "What went wrong"));
  for (const test of tests.filter((one) => one.title).slice(0, 100)) {
    const known = stories && stories[test.row] ? JSON.parse(stories[test.row]) : {}, found = (known.diagnoses || [])[0];
    const block = make("section", { "aria-label": plain(test.id) }, make("h3", {}, make("span", { class: test.outcome }, test.outcome), " " + test.id), make("p", {}, make("strong", {}, test.title)));
    if (found) block.append(make("ul", {}, ...found.evidence.map((each) => make("li", {}, each))));
    if (found && found.rule !== "unknown") block.append(make("p", {}, found.remedy.text + (found.remedy.code ? "\n" + found.remedy.code : "")));
    const said = (known.text || "").split("\n").filter((each) => /^[>E] /.test(each)).slice(0, 8);
    if (said.length) block.append(make("pre", {}, said.join("\n")));
    box.append(block);
  }
}
function openNext(by) {
  if (!shown.length) return;
  const at = shown.findIndex((test) => test.id === state.test);
  const next = at < 0 ? cursor : Math.min(shown.length - 1, Math.max(0, at + by));
  choose({ test: shown[next].id });
}
function keys(event) {
  const typing = event.target.tagName === "INPUT";
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.key === "/" && !typing) { event.preventDefault(); $("search").focus(); }
  else if (event.key === "?" && !typing) $("help").showModal();
  else if ((event.key === "n" || event.key === "p") && !typing) openNext(event.key === "n" ? 1 : -1);
  else if (event.key === "Escape") { if (typing) $("list").querySelector(".row")?.focus(); else choose({ test: "" }); }
  else if (event.target.classList.contains("row") || event.target.id === "list") {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 15, PageUp: -15, Home: -1e9, End: 1e9 }[event.key];
    if (by) { event.preventDefault(); move(by); }
  }
}
async function start() {
  fromAddress();
  drawFirst();
  drawChips();
  // The rows in sight, before the others are unpacked.
  shown = first.rows.map(([id, outcome, duration_s]) => ({ id, outcome, duration_s }));
  drawRows();
  fill(await unpack("columns"));
  $("search").addEventListener("input", () => choose({ q: $("search").value }));
  $("clear").addEventListener("click", () => choose({ q: "", o: new Set(), cause: "", tag: "" }));
  $("keys").addEventListener("click", () => $("help").showModal());
  $("list").addEventListener("scroll", drawRows, { passive: true });
  addEventListener("hashchange", () => { fromAddress(); apply(); });
  addEventListener("keydown", keys);
  addEventListener("beforeprint", paper);
  apply();
  document.body.dataset.ready = String(Math.round(performance.now()));
  stories = await unpack("stories");
  told();
  if (state.test || state.q) apply();
  document.body.dataset.stories = "read";
}
start().catch((error) => { $("verdict").textContent = "This report cannot be shown: " + error.message; });
