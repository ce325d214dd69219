"use strict";
/* Figures: a chart that mouse, keyboard and screen reader can walk through, and its data as a table. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const tip = element("div", { class: "tip", hidden: "", role: "tooltip", id: "tip" });
const said = element("div", { class: "unseen", "aria-live": "polite", id: "said" });
document.body.append(tip, said);

function showTip(words, x, y) {
  tip.textContent = words;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
  tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18}px`;
}

function hideTip() {
  tip.hidden = true;
  for (const old of document.querySelectorAll(".at")) old.classList.remove("at");
}

/* Arrow keys, Home and End move among the marks of a chart; Escape leaves them. */
function walk(plot) {
  let at = -1;
  plot.addEventListener("keydown", (event) => {
    const marks = [...plot.querySelectorAll(".role-mark [role='graphics-symbol'][aria-label], .role-mark[role='graphics-symbol'][aria-label]")];
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") { at = -1; hideTip(); return; }
    if (!marks.length || (move === undefined && event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    if (event.key === "Home") at = 0;
    else if (event.key === "End") at = marks.length - 1;
    else at = Math.max(0, Math.min(marks.length - 1, at + move));
    hideTip();
    const mark = marks[at];
    mark.classList.add("at");
    const place = mark.getBoundingClientRect();
    showTip(mark.getAttribute("aria-label"), place.left + place.width / 2, place.top + place.height / 2);
    said.textContent = mark.getAttribute("aria-label");
  });
  plot.addEventListener("blur", () => { at = -1; hideTip(); });
}

/* A figure: {id, title, note, spec, columns: [[key, name]...]}; show(rows) draws it anew. */
class Figure {
  constructor({ id, title, note, spec, columns }) {
    this.spec = spec;
    this.columns = columns;
    this.rows = [];
    this.plot = element("div", { class: "plot", tabindex: "0", role: "group",
      "aria-label": `Chart: ${title}. Arrow keys walk through its marks; a table of its data follows.` });
    this.canvas = element("div");
    this.plot.append(this.canvas);
    this.title = title;
    this.table = element("details", { class: "data" }, element("summary", {}, "Data as a table"));
    this.note = element("span", { class: "note" }, note || "");
    this.root = element("figure", { id, class: "chart" },
      element("figcaption", {}, element("a", { href: `#${id}`, title: "link to this chart" }, title), " ", this.note),
      this.plot, this.table);
    walk(this.plot);
    this.table.addEventListener("toggle", () => this.fill());
  }

  async show(rows) {
    this.rows = rows;
    this.plot.classList.toggle("empty", !rows.length);
    if (this.table.open) this.fill();
    if (this.view) {
      await this.view.data("rows", rows).runAsync();
    } else if (rows.length) {
      const spec = fitting(SPECS[this.spec]);
      if (innerWidth < 700 && spec.width > innerWidth - 190) spec.width = Math.max(180, innerWidth - 190);
      const child = (spec.signals || []).find((signal) => signal.name === "child_width" && signal.value);
      const named = (key, most) => Math.min(most, 7.2 * Math.max(...rows.map((row) => (row[key] || "").length)));
      const beside = this.spec === "trend" ? 190 : 40 + named("phase", 112) + named("column", 120);
      if (child) child.value = Math.max(100, Math.min(this.spec === "trend" ? 1000 : 640, this.plot.clientWidth - beside));
      spec.data.find((source) => source.name === "rows").values = rows;
      const made = await vegaEmbed(this.canvas, { ...spec, description: this.title }, { mode: "vega", ast: true, renderer: "svg",
        actions: false, defaultStyle: false, hover: false, tooltip: hover });
      this.view = made.view;
    }
  }

  fill() {
    this.table.querySelector("table")?.parentElement.remove();
    if (!this.table.open) return;
    const rows = this.rows.filter((row) => row.kind !== "point");
    const head = element("tr", {}, ...this.columns.map(([, name]) => element("th", { scope: "col" }, name)));
    const lines = rows.map((row) => element("tr", {},
      ...this.columns.map(([key]) => element("td", {}, String(row[key] ?? "–")))));
    this.table.append(element("div", { class: "card", tabindex: "0", role: "region", "aria-label": "data" },
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines))));
  }
}

/* On a narrow screen the names of steps leave room for their outcomes, and a legend has one column. */
function fitting(spec) {
  const narrow = (key, value) => (key === "labelLimit" && value > 200 ? 120 : key === "columns" && value > 1 ? 1 : value);
  return JSON.parse(JSON.stringify(spec, innerWidth < 700 ? narrow : null));
}

function hover(handler, event, item, value) {
  if (value === null || value === undefined || value === "") tip.hidden = true;
  else showTip(typeof value === "string" ? value : value.tip || "", event.clientX, event.clientY);
}
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true, capture: true });
