/* Small pictures: curves of resources, and a timeline with a lane for each sort of thing. */
const SVG = "http://www.w3.org/2000/svg";
function curve(values, name, shownAs) {
  const low = Math.min(...values), high = Math.max(...values), last = values[values.length - 1];
  const said = name + ": from " + shownAs(low) + " to " + shownAs(high) + ", at last " + shownAs(last);
  const box = make("span", { class: "curve", title: plain(said) });
  box.append(line_(values.map((value, index) => [index / Math.max(1, values.length - 1), value]), low, high, said), make("span", { class: "soft" }, shownAs(last)));
  return box;
}
function line_(points, low, high, said) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": plain(said) })) picture.setAttribute(key, value);
  const path = document.createElementNS(SVG, "polyline");
  const height = (value) => (high > low ? 95 - (90 * (value - low)) / (high - low) : 50);
  path.setAttribute("points", points.map(([at, value]) => (at * 1000).toFixed(1) + "," + height(value).toFixed(1)).join(" "));
  picture.append(path);
  return picture;
}
function timeline(one) {
  const spans = [...(one.phases || []).map((phase) => ({ lane: "phases", label: phase.name + " " + phase.outcome, at_s: phase.began_s, took_s: phase.duration_s, bad: phase.outcome === "failed" })), ...(one.events || [])];
  if (!spans.length) return [];
  const from = Math.min(...spans.map((span) => span.at_s)), end = Math.max(...spans.map((span) => span.at_s + span.took_s));
  const whole = Math.max(end - from, 1e-6), lanes = make("div", { class: "lanes" });
  const order = ["phases", "fixtures", "operations", "requests", "tasks"];
  const names = [...new Set(spans.map((span) => span.lane))].sort((a, b) => (order.indexOf(a) + 1 || 99) - (order.indexOf(b) + 1 || 99));
  for (const name of names) {
    const mine = spans.filter((span) => span.lane === name);
    const lane = make("div", { class: "lane", role: "img", "aria-label": plain(name + ": " + mine.slice(0, 20).map((span) => span.label).join("; ")) });
    for (const span of mine) lane.append(bar(((span.at_s - from) / whole) * 100, (span.took_s / whole) * 100, span.bad || /failed|error|fault/i.test(span.kind || "") ? "bad" : "", "+" + seconds(span.at_s - from) + "  " + span.label + (span.took_s ? ", " + seconds(span.took_s) : "")));
    lanes.append(make("span", {}, name + (mine.length > 1 ? " " + mine.length : "")), lane);
  }
  lanes.append(...resources(one.samples || [], from, whole));
  lanes.append(make("span", {}), make("div", { class: "scale soft" }, make("span", {}, "0"), make("span", {}, seconds(whole / 2)), make("span", {}, seconds(whole))));
  return [make("h3", {}, "Timeline"), lanes];
}
function resources(samples, from, whole) {
  if (samples.length < 2) return [];
  const parts = [];
  for (const [column, name, unit] of [[1, "memory", (value) => (value / 1048576).toFixed(1) + " MiB"], [2, "descriptors", String], [3, "threads", String]]) {
    const values = samples.map((sample) => sample[column]), low = Math.min(...values), high = Math.max(...values);
    if (!high) continue; // the system does not tell
    const points = samples.map((sample) => [Math.min(1, Math.max(0, (sample[0] - from) / whole)), sample[column]]);
    const said = name + " of the process: from " + unit(low) + " to " + unit(high);
    parts.push(make("span", { title: said }, name + " " + unit(high)), Object.assign(make("div", { class: "lane curve", title: said })));
    parts[parts.length - 1].append(line_(points, low, high, said));
  }
  return parts;
}
