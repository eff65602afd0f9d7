"use strict";
// The page without this script is whole; this makes it live: news as they come, times that count, a chart, no reloads.
(() => {
  const byId = (id) => document.getElementById(id);
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  function span(seconds) {
    let rest = Math.max(0, Math.round(seconds));
    const parts = [];
    for (const [size, unit] of units) {
      const count = Math.floor(rest / size);
      rest %= size;
      if (count) parts.push(`${count} ${unit}`);
      else if (parts.length) break;
      if (parts.length === 2) break;
    }
    return parts.join(" ") || "0 s";
  }

  function tick() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = Date.parse(time.dateTime);
      const seconds = (Date.now() - at) / 1000;
      const local = new Date(at).toLocaleString();
      const text = "until" in time.dataset ? (seconds < 0 ? `in ${span(-seconds)}` : "now") : `${local} (${span(seconds)} ago)`;
      if (time.textContent !== text) time.textContent = text;
    }
  }

  function enliven(root) {
    for (const button of root.querySelectorAll(".copy")) button.hidden = false;
    tick();
  }

  function tell(text, isWrong) {
    const note = byId("note");
    note.textContent = text;
    note.classList.toggle("wrong", Boolean(isWrong));
    note.hidden = false;
  }

  // What a person has opened, chosen or focused stays so when a section is drawn anew.
  function replace(section, html) {
    const open = new Set([...section.querySelectorAll("details[open]")].map((one) => one.dataset.key));
    const active = section.contains(document.activeElement) ? document.activeElement : null;
    const mark = active && (active.value || active.dataset.copy || active.textContent);
    const chosen = section.querySelector("select")?.value;
    const scrolled = section.querySelector("pre")?.scrollTop;
    section.innerHTML = html; // drawn and escaped by the server
    for (const one of section.querySelectorAll("details")) one.open = open.has(one.dataset.key);
    if (chosen && section.querySelector("select")) section.querySelector("select").value = chosen;
    if (scrolled && section.querySelector("pre")) section.querySelector("pre").scrollTop = scrolled;
    enliven(section);
    if (active) {
      const again = [...section.querySelectorAll("button, summary, select, a, pre")];
      (again.find((one) => (one.value || one.dataset.copy || one.textContent) === mark) || byId("main")).focus({ preventScroll: true });
    }
  }

  let wasLost = false;
  function listen() {
    const source = new EventSource("/events?as=html");
    source.addEventListener("section", (event) => {
      const { name, html } = JSON.parse(event.data);
      const section = byId(name);
      if (section) replace(section, html);
      if (name === "changes") drawSoon();
    });
    source.addEventListener("open", () => {
      byId("live").textContent = "Live";
      if (wasLost) tell("Connected again.");
      wasLost = false;
    });
    source.addEventListener("error", () => {
      byId("live").textContent = "Not connected; trying again";
      if (!wasLost) tell("The monitor cannot be reached; trying again.", true);
      wasLost = true;
    });
    addEventListener("pagehide", () => source.close());
  }

  // Not `disabled`: that would take the focus away, and the section may be drawn anew before it could be given back.
  const busy = new Set();
  async function send(form, button) {
    if (busy.has(button.value)) return;
    const body = new URLSearchParams(new FormData(form));
    body.append(button.name, button.value);
    busy.add(button.value);
    button.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch("/act", { method: "POST", body, headers: { Accept: "application/json" } });
      const said = await answer.json();
      if (answer.status === 401) location.assign("/sign-in");
      tell(said.text || said.error.text, !answer.ok);
    } catch {
      tell("The monitor cannot be reached.", true);
    } finally {
      busy.delete(button.value);
      button.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "act" || !event.submitter) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      tell(`Copied ${button.dataset.copy}.`);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      tell("Marked; copy it with Ctrl-C.");
    }
  });

  // ---- timeline
  let chart = null;
  let timeline = null;
  let days = 0;
  let closer = null; // the part that was dragged over, which stays when news draw the chart anew
  let isPressed = false;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function columns() {
    const families = Object.entries(timeline.families);
    const times = [...new Set(families.flatMap(([, one]) => one.at_s).concat(timeline.now_s))].sort((a, b) => a - b);
    const series = families.map(([, one]) => {
      const at = new Map(one.at_s.map((time, n) => [time, one.index[n]]));
      let last = null;
      return times.map((time) => (at.has(time) ? (last = at.get(time)) : time > (one.at_s[0] ?? Infinity) ? last : null));
    });
    return [families.map(([name]) => name), [times, ...series]];
  }

  function draw() {
    if (isPressed) { // somebody is dragging over it
      drawSoon();
      return;
    }
    const place = byId("chart");
    chart?.destroy();
    chart = null;
    const [names, data] = columns();
    if (!names.length) return;
    const shown = timeline.addresses;
    const stepped = uPlot.paths.stepped({ align: 1 });
    const ink = colour("--quiet");
    const grid = { stroke: colour("--line"), width: 1 };
    const label = (n) => shown[n] ?? "";
    // Long labels are cut in the axis; the legend has them whole.
    const short = (text) => (text.length > 21 ? `${text.slice(0, 20)}…` : text);
    const room = Math.min(170, 16 + 7.2 * Math.max(...shown.map((text) => short(text).length)));
    place.classList.add("drawn");
    chart = new uPlot({
      width: place.clientWidth,
      height: 200,
      hooks: {
        setScale: [(drawn, key) => {
          if (key === "x") place.dataset.shown = `${drawn.scales.x.min} ${drawn.scales.x.max}`;
        }],
        setSelect: [(drawn) => {
          const { left, width } = drawn.select;
          if (width) closer = [drawn.posToVal(left, "x"), drawn.posToVal(left + width, "x")];
        }],
      },
      scales: { y: { range: () => [-0.5, shown.length - 0.5] } },
      axes: [
        { stroke: ink, grid },
        {
          stroke: ink, grid, size: place.clientWidth < 600 ? 10 : room,
          splits: () => (shown.length <= 12 ? shown.map((_, n) => n) : [0, Math.floor(shown.length / 2), shown.length - 1]),
          values: (_, at) => at.map((n) => (place.clientWidth < 600 ? "" : short(label(n)))),
        },
      ],
      series: [
        { label: "When" },
        ...names.map((name, n) => ({
          label: name, stroke: colour(n ? "--news" : "--good"), width: 3, paths: stepped, points: { show: false },
          value: (_, index) => (index === null ? "–" : label(index)),
        })),
      ],
    }, data, place);
    chart.over.addEventListener("dblclick", () => { closer = null; });
    look();
    byId("chart-note").textContent = `${shown.length} ${shown.length === 1 ? "address" : "addresses"}. Drag over the chart to look closer; press a range to go back.`;
  }

  function look() {
    if (!chart) return;
    if (closer) {
      chart.setScale("x", { min: closer[0], max: closer[1] });
      return;
    }
    const times = chart.data[0];
    const end = Math.max(timeline.now_s, times[times.length - 1]);
    const begin = days ? end - days * 86400 : times[0];
    chart.setScale("x", { min: Math.min(begin, end - 60), max: end });
  }

  // Nothing that is seen first waits for the chart's looks; the chart does, for where it can be pressed is a part of them.
  const dressed = byId("chart") && new Promise((done) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = byId("chart").dataset.looks;
    sheet.addEventListener("load", done);
    sheet.addEventListener("error", done);
    document.head.append(sheet);
  });

  async function load() {
    try {
      const answer = await fetch("/api/v1/timeline");
      if (!answer.ok) return;
      timeline = await answer.json();
      await dressed;
      draw();
    } catch { /* the next change tries again */ }
  }

  let waiting = 0;
  function drawSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(load, 300);
  }

  document.querySelector(".ranges")?.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    days = Number(button.dataset.days);
    closer = null;
    for (const one of event.currentTarget.children) one.setAttribute("aria-pressed", String(one === button));
    look();
  });

  if (byId("chart")) {
    document.querySelector(".ranges").hidden = false;
    byId("chart").addEventListener("mousedown", () => { isPressed = true; });
    document.addEventListener("mouseup", () => { isPressed = false; });
    load();
    listen();
    new ResizeObserver(() => {
      if (chart && Math.abs(chart.width - byId("chart").clientWidth) > 1) draw();
    }).observe(byId("chart"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => timeline && draw());
  }
  enliven(document);
  setInterval(tick, 1000);
  document.body.dataset.ready = "";
})();
