"use strict";
/* The page of one run. Whatever comes from tests goes in as text, never as markup. Only the rows that can be seen exist. */
(() => {
  const ROW = 28;
  const ORDER = ["lost", "error", "failed", "xpassed", "flaky", "passed", "xfailed", "skipped"];
  const $ = (id) => document.getElementById(id);
  // Control characters and marks of direction are shown as what they are, not obeyed.
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  const plain = (text) => String(text).replace(HIDDEN, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "onclick") element.addEventListener("click", value);
      else element.setAttribute(key, value);
    }
    for (const child of children) element.append(typeof child === "string" ? plain(child) : child);
    return element;
  };
  const seconds = (value) => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3)) + " s";
  const state = { q: "", o: new Set(), cause: "", test: "" };
  let data = null, tests = [], shown = [], cursor = 0;

  async function unpack() {
    const packed = Uint8Array.from(atob($("data").textContent.trim()), (one) => one.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  /* ---------------------------------------------------------------- the address holds the state */
  function fromAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    state.q = given.get("q") || "";
    state.o = new Set((given.get("o") || "").split(",").filter((one) => ORDER.includes(one)));
    state.cause = given.get("cause") || "";
    state.test = given.get("test") || "";
  }
  function toAddress() {
    const given = new URLSearchParams();
    if (state.q) given.set("q", state.q);
    if (state.o.size) given.set("o", [...state.o].join(","));
    if (state.cause) given.set("cause", state.cause);
    if (state.test) given.set("test", state.test);
    history.replaceState(null, "", "#" + given.toString());
  }

  /* ---------------------------------------------------------------- first screen */
  function first() {
    document.title = plain(data.verdict);
    $("verdict").textContent = plain(data.verdict);
    const facts = $("facts");
    const panel = (title, list, wide) => facts.append(make("section", wide ? { class: "wide" } : {}, make("h2", {}, title), list));
    if (data.diagnoses.length || data.collection_failures.length || data.problems.length) {
      const list = make("ul", {});
      for (const one of data.diagnoses) list.append(make("li", {}, make("span", {}, "run"), make("span", {}, one.cause + " " + one.remedy.text)));
      for (const one of data.collection_failures) list.append(make("li", {}, make("span", {}, "file"), make("span", {}, one.node + ": " + one.text.split("\n").pop())));
      for (const one of data.problems) list.append(make("li", {}, make("span", {}, "note"), make("span", {}, one)));
      panel("The run", list, true);
    }
    if (data.groups.length) {
      const list = make("ul", {});
      for (const group of data.groups.slice(0, 8)) {
        const pick = make("button", { class: "link", onclick: () => choose({ cause: group.title, o: new Set(), q: "" }) }, group.title);
        list.append(make("li", {}, make("span", {}, String(group.tests.length)), make("span", {}, pick, " ", make("span", { class: "soft" }, group.confidence === "possible" && group.rule === "unknown" ? "cause unknown" : group.rule + ", " + group.confidence))));
      }
      if (data.groups.length > 8) list.append(make("li", {}, make("span", {}, ""), make("span", { class: "soft" }, "and " + (data.groups.length - 8) + " more")));
      panel("Failures by cause", list, true);
    }
    if (data.findings.length) {
      const list = make("ul", {});
      for (const one of data.findings.slice(0, 6)) list.append(make("li", {}, make("span", {}, String(one.count)), make("span", {}, one.title + " ", make("span", { class: "soft" }, one.level))));
      panel("Findings", list);
    }
    const slow = make("ol", {});
    for (const one of data.slowest.slice(0, 5)) slow.append(make("li", {}, make("span", {}, seconds(one.duration_s)), make("button", { class: "link id", title: plain(one.id), onclick: () => choose({ test: one.id }) }, one.id.split("::").slice(1).join("::") || one.id)));
    panel("Slowest", slow);
    if (data.hungriest.length) {
      const list = make("ol", {});
      for (const one of data.hungriest.slice(0, 5)) list.append(make("li", {}, make("span", {}, one.memory_mb + " MiB"), make("button", { class: "link id", title: plain(one.id), onclick: () => choose({ test: one.id }) }, one.id.split("::").slice(1).join("::") || one.id)));
      panel("Hungriest", list);
    }
    if (data.workers.length) panel("Workers", workers());
    const environment = data.run.environment;
    $("environment").textContent = plain(["pytest-hermetic " + environment.hermetic, "Python " + environment.python, environment.platform, "run " + data.run.id, new Date(data.run.began_at * 1000).toISOString()].join(" · "));
  }
  function workers() {
    const lanes = make("div", { class: "lanes", role: "img", "aria-label": "When each worker ran tests; bad ones have a line beneath" });
    const whole = Math.max(data.run.duration_s, 0.001);
    for (const worker of data.workers.slice(0, 16)) {
      const lane = make("div", { class: "lane" });
      // One bar for what follows without a gap that could be seen: a bounded number of elements for any number of tests.
      let from = -1, to = -1;
      const draw = () => { if (from >= 0) { const bar = make("span", {}); bar.style.left = (from / whole) * 100 + "%"; bar.style.width = ((to - from) / whole) * 100 + "%"; lane.append(bar); } };
      const ran = worker.tries || [];
      for (const [began, took] of ran) {
        if (from < 0) { from = began; to = began + took; }
        else if (began - to < whole / 300) to = Math.max(to, began + took);
        else { draw(); from = began; to = began + took; }
      }
      draw();
      lanes.append(make("span", {}, worker.name), lane);
    }
    return lanes;
  }

  /* ---------------------------------------------------------------- the list */
  function chips() {
    const bar = $("chips");
    for (const outcome of ORDER) {
      if (!data.counts[outcome]) continue;
      const chip = make("button", { type: "button", "aria-pressed": "false", "data-outcome": outcome, onclick: () => {
        state.o.has(outcome) ? state.o.delete(outcome) : state.o.add(outcome);
        choose({});
      } }, make("span", { class: outcome }, outcome), " " + data.counts[outcome]);
      bar.append(chip);
    }
  }
  function choose(change) {
    Object.assign(state, change);
    toAddress();
    apply();
  }
  function apply() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    shown = tests.filter((test) =>
      (!state.o.size || state.o.has(test.outcome)) && (!state.cause || test.title === state.cause) && words.every((word) => test.find.includes(word)));
    for (const chip of $("chips").querySelectorAll("button")) chip.setAttribute("aria-pressed", String(state.o.has(chip.dataset.outcome)));
    if ($("search").value !== state.q) $("search").value = state.q;
    $("clear").hidden = !(state.q || state.o.size || state.cause);
    $("number").textContent = shown.length + " of " + tests.length + " tests" + (state.cause ? " with the cause: " + plain(state.cause) : "");
    $("rows").style.height = shown.length * ROW + "px";
    const at = shown.findIndex((test) => test.id === state.test);
    cursor = Math.max(0, at);
    if (at < 0) $("list").scrollTop = 0;
    rows();
    detail();
  }
  function rows() {
    const list = $("list"), box = $("rows");
    const from = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const to = Math.min(shown.length, from + Math.ceil(list.clientHeight / ROW) + 10);
    const drawn = [];
    for (let index = from; index < to; index++) {
      const test = shown[index];
      const button = make("button", { class: "row", type: "button", tabindex: index === cursor ? "0" : "-1", "data-index": String(index), onclick: () => { cursor = index; choose({ test: test.id }); } },
        make("span", { class: "outcome " + test.outcome }, test.outcome), make("span", { class: "id" }, test.id), make("span", { class: "took" }, seconds(test.duration_s)));
      if (test.id === state.test) button.setAttribute("aria-current", "true");
      const item = make("li", { "aria-setsize": String(shown.length), "aria-posinset": String(index + 1) }, button);
      item.style.top = index * ROW + "px";
      drawn.push(item);
    }
    const had = document.activeElement && document.activeElement.classList.contains("row");
    box.replaceChildren(...drawn);
    if (had) focus();
  }
  function focus() {
    const row = $("rows").querySelector('[data-index="' + cursor + '"]');
    if (row) row.focus({ preventScroll: true });
  }
  function move(by) {
    cursor = Math.min(shown.length - 1, Math.max(0, cursor + by));
    const list = $("list"), top = cursor * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    rows();
    focus();
  }

  /* ---------------------------------------------------------------- one test */
  function detail() {
    const box = $("detail");
    const test = state.test ? tests.find((one) => one.id === state.test) : null;
    box.hidden = !test;
    box.replaceChildren(...(test ? about(test) : []));
  }
  function about(test) {
    const parts = [];
    parts.push(make("h2", {}, make("span", { class: test.outcome }, test.outcome), " ", make("span", { class: "id" }, test.id)));
    const command = "pytest '" + test.id.replaceAll("'", "'\\''") + "'";
    const copy = make("button", { type: "button", onclick: async () => {
      try { await navigator.clipboard.writeText(command); copy.textContent = "copied"; } catch { copy.textContent = "select and copy it"; }
    } }, "copy");
    parts.push(make("p", {}, make("span", { class: "soft" }, test.file + ":" + test.line + " · " + seconds(test.duration_s) + " · run again: "), make("code", {}, command), " ", copy));
    for (const one of test.diagnoses || []) {
      const list = make("ul", {});
      for (const line of one.evidence) list.append(make("li", {}, line));
      const cause = make("div", { class: "cause" }, make("strong", {}, one.cause), " ", make("span", { class: "soft" }, one.rule + ", " + one.confidence), list, make("p", {}, one.remedy.text));
      if (one.remedy.code) cause.append(make("pre", { tabindex: "0" }, one.remedy.code));
      parts.push(cause);
    }
    if (test.text) parts.push(make("h3", {}, "Failure"), make("pre", { tabindex: "0", "aria-label": "Failure" }, test.text));
    test.tries.forEach((one, number) => parts.push(...attempt(test, one, number)));
    for (const one of test.findings || []) {
      parts.push(make("h3", {}, one.title + ": " + one.subject), make("p", {}, one.evidence.join("; ")), ...(one.remedy ? [make("pre", { tabindex: "0" }, one.remedy.text + "\n" + one.remedy.code)] : []));
    }
    return parts;
  }
  function attempt(test, one, number) {
    const parts = [];
    if (test.tries.length > 1) parts.push(make("h3", {}, "Try " + (number + 1) + ": ", make("span", { class: one.outcome }, one.outcome), " on " + one.worker));
    for (const failure of one.failure || []) {
      const list = make("table", {}, make("caption", {}, failure.type + ": " + failure.message.slice(0, 400)));
      for (const frame of failure.frames) list.append(make("tr", {}, make("td", {}, frame.file.split("/").pop() + ":" + frame.line), make("td", {}, frame.function), make("td", {}, make("code", {}, frame.source))));
      parts.push(list);
    }
    const spans = [...(one.phases || []).map((phase) => ({ lane: "phases", label: phase.name + " " + phase.outcome, at_s: phase.began_s, took_s: phase.duration_s })), ...(one.events || [])];
    if (spans.length) parts.push(make("h3", {}, "Timeline"), timeline(one, spans));
    const told = (one.events || []).filter((event) => event.kind !== "test.began");
    if (told.length) {
      const table = make("table", {}, make("tr", {}, ...["at", "what", ""].map((name) => make("th", { scope: "col" }, name))));
      for (const event of told) table.append(make("tr", {}, make("td", {}, "+" + (event.at_s - one.began_s).toFixed(3) + " s"), make("td", {}, event.lane), make("td", {}, event.label)));
      parts.push(make("details", {}, make("summary", {}, "Journal: " + told.length + " events"), table));
    }
    for (const output of one.output || []) parts.push(make("h3", {}, output.title), make("pre", { tabindex: "0", "aria-label": output.title }, output.text));
    return parts;
  }
  function timeline(one, spans) {
    const lanes = make("div", { class: "lanes" });
    const end = Math.max(...spans.map((span) => span.at_s + span.took_s)), from = Math.min(...spans.map((span) => span.at_s));
    const whole = Math.max(end - from, 1e-6);
    for (const name of [...new Set(spans.map((span) => span.lane))]) {
      const lane = make("div", { class: "lane" });
      for (const span of spans.filter((each) => each.lane === name)) {
        const bar = make("span", { title: plain(span.label) + ", " + seconds(span.took_s) });
        bar.style.left = Math.min(99.5, ((span.at_s - from) / whole) * 100) + "%";
        bar.style.width = (span.took_s / whole) * 100 + "%";
        lane.append(bar);
      }
      lanes.append(make("span", {}, name), lane);
    }
    return lanes;
  }

  /* ---------------------------------------------------------------- print, keyboard, start */
  function paper() {
    const box = $("paper");
    box.replaceChildren(make("h2", {}, "What went wrong"));
    for (const test of tests.filter((one) => one.diagnoses).slice(0, 100)) {
      const found = test.diagnoses[0];
      box.append(make("h3", {}, test.outcome + " " + test.id), make("p", {}, test.title + " " + found.remedy.text));
    }
  }
  function keys(event) {
    const typing = event.target.tagName === "INPUT";
    if (event.key === "/" && !typing) { event.preventDefault(); $("search").focus(); }
    else if (event.key === "Escape") { if (typing) $("list").querySelector(".row")?.focus(); else choose({ test: "" }); }
    else if (event.target.classList.contains("row")) {
      const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 15, PageUp: -15, Home: -1e9, End: 1e9 }[event.key];
      if (by) { event.preventDefault(); move(by); }
    }
  }
  async function start() {
    data = await unpack();
    tests = data.tests.map((test) => ({ ...test, title: test.title || "", find: (test.id + " " + (test.title || "")).toLowerCase() }));
    tests.sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
    fromAddress();
    first();
    chips();
    $("search").addEventListener("input", () => choose({ q: $("search").value }));
    $("clear").addEventListener("click", () => choose({ q: "", o: new Set(), cause: "" }));
    $("list").addEventListener("scroll", rows, { passive: true });
    addEventListener("hashchange", () => { fromAddress(); apply(); });
    addEventListener("keydown", keys);
    addEventListener("beforeprint", paper);
    apply();
    document.body.dataset.ready = "yes";
  }
  start().catch((error) => { $("verdict").textContent = "This report cannot be shown: " + error.message; });
})();
