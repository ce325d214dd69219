"use strict";
/* The report's page: filters, pages of groups, sorted tables, and the waterfall of any build. */
const GROUPS_AT_ONCE = 3;
let atOnce = GROUPS_AT_ONCE;
const OPTIONS_AT_ONCE = 150;
const form = document.getElementById("filter");
const page = { first: 0, groups: [], figures: new Map(), build: null };
const COLUMNS = {
  heat: [["phase", "phase"], ["column", DATA.axis], ["label", "step"], ["counts", "outcomes"],
    ["duration", "time"], ["cause", "cause"]],
  band: [["phase", "phase"], ["column", DATA.axis], ["said", "median (spread, count)"], ["between", "bar"]],
  fall: [["label", "step"], ["outcome", "outcome"], ["from", "from"], ["took", "took"], ["cause", "cause"]],
};
const CHARTS = [["heat", "What became of each step"], ["wall", "Wall time"], ["saved", "Time saved over the cold build"], ["size", "Image size"]];

function checked(name) {
  return new Set([...form.querySelectorAll(`input[name="${CSS.escape(name)}"]:checked`)].map((box) => box.value));
}

function wanted() {
  const places = (name) => new Set([...checked(name)].map(Number));
  const axes = {};
  for (const set of form.querySelectorAll("fieldset[data-axis]")) axes[set.dataset.axis] = checked(`axis:${set.dataset.axis}`);
  return { phases: places("phase"), columns: places("column"), outcomes: checked("outcome"), axes,
    text: form.elements.text.value.trim().toLowerCase(), order: form.elements.order.value };
}

function figureOf(group, [name, title]) {
  const id = `${name}-${group + 1}`;
  if (!page.figures.has(id)) {
    const called = name === "wall" && DATA.groups.length > 1 ? `${title}: ${DATA.groups[group].title}` : title;
    page.figures.set(id, new Figure({ id, title: called, spec: name, note: NOTES[name],
      columns: name === "heat" ? COLUMNS.heat : COLUMNS.band }));
  }
  return page.figures.get(id);
}

const NOTES = {
  heat: "hover or walk with the arrow keys for times and causes",
  wall: "points: builds; bar: 95 % interval of the median, with fewer than six builds the range; stroke: median",
  saved: "1 − wall ÷ wall of the same trial's cold build",
  size: "of the built image",
};

function layGroups(asked) {
  page.groups = DATA.groups.map((_, place) => place).filter((place) => groupMatches(place, asked));
  if (page.first >= page.groups.length) page.first = 0;
  const shown = page.groups.slice(page.first, page.first + atOnce);
  const home = document.getElementById("groups");
  const walls = document.getElementById("walls");
  const now = [...home.children].map((child) => Number(child.dataset.group));
  if (now.join() !== shown.join()) {
    home.replaceChildren(...shown.map((group) => element("section", { "data-group": group, id: `group-${group + 1}` },
      element("h3", {}, DATA.groups[group].title),
      figureOf(group, CHARTS[0]).root,
      element("div", { class: "row" }, ...CHARTS.slice(2).map((chart) => figureOf(group, chart).root)))));
    walls.replaceChildren(...shown.map((group) => figureOf(group, CHARTS[1]).root));
  }
  const pages = document.getElementById("pages");
  pages.hidden = page.groups.length <= GROUPS_AT_ONCE;
  document.getElementById("all").textContent = atOnce === Infinity ? "by pages" : "all on one page";
  pages.querySelector("output").textContent = page.groups.length
    ? `${page.first + 1}–${page.first + shown.length} of ${page.groups.length}` : "none";
  return shown.flatMap((group) => CHARTS.map((chart) => [figureOf(group, chart),
    () => (chart[0] === "heat" ? heatRows(group, asked) : bandRows(chart[0], group, asked))]));
}

function inSight([figure]) {
  const box = figure.root.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
}

function filterTable(asked) {
  let shown = 0;
  const rows = document.querySelectorAll("#results tbody tr");
  for (const row of rows) {
    const { g, p, c } = row.dataset;
    const hide = !(asked.phases.has(Number(p)) && asked.columns.has(Number(c)) && groupMatches(Number(g), asked));
    if (row.hidden !== hide) row.hidden = hide;
    shown += !hide;
  }
  return `${shown} of ${rows.length} rows`;
}

function listBuilds(asked) {
  const select = document.getElementById("build");
  const found = DATA.builds.map((build, place) => [build, place]).filter(([build]) => build[7].length && buildMatches(build, asked));
  const listed = found.slice(0, OPTIONS_AT_ONCE);
  select.replaceChildren(...listed.map(([build, place]) => element("option", { value: place }, buildTitle(build))));
  const kept = listed.some(([, place]) => place === page.build);
  if (!kept) page.build = listed.length ? listed[0][1] : null;
  if (page.build !== null) select.value = String(page.build);
  document.getElementById("more").textContent = found.length > listed.length
    ? `the first ${listed.length} of ${found.length} builds; filter for others` : `${found.length} builds`;
}

const fall = new Figure({ id: "waterfall", title: "One build's steps in time", spec: "waterfall",
  note: "stages run side by side; a step of no known time is left out", columns: COLUMNS.fall });
document.getElementById("fall")?.append(fall.root);

const buildOnPage = () => (page.build === null ? [] : buildRows(DATA.builds[page.build]));

/* What the reader sees is drawn at once; the rest follows, chart by chart, unless asked anew. */
let began = 0;
async function refresh() {
  const start = performance.now();
  const turn = ++began;
  const asked = wanted();
  const rows = filterTable(asked);
  listBuilds(asked);
  const charts = [...layGroups(asked), [fall, buildOnPage]];
  const first = charts.filter(inSight);
  await Promise.all(first.map(([figure, found]) => figure.show(found())));
  if (turn !== began) return;
  document.getElementById("count").textContent = `${rows}, ${page.groups.length} of ${DATA.groups.length} groups of cells`;
  document.body.dataset.answered = String(turn);
  document.body.dataset.took = String(Math.round(performance.now() - start));
  for (const chart of charts) {
    if (first.includes(chart)) continue;
    await new Promise((go) => { setTimeout(go); });
    if (turn !== began) return;
    await chart[0].show(chart[1]());
  }
  document.body.dataset.ready = String(turn);
}

function sortBy(button) {
  const head = button.closest("th");
  const place = [...head.parentElement.children].indexOf(head);
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = button.closest("table").tBodies[0];
  const key = (row) => row.children[place].dataset.key ?? row.children[place].textContent;
  const compare = (a, b) => (key(a) !== "" && key(b) !== "" && !isNaN(key(a)) && !isNaN(key(b))
    ? key(a) - key(b) : String(key(a)).localeCompare(String(key(b))));
  const rows = [...body.rows].sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
  body.append(...rows);
}

/* A link to a chart names it even where its group is on another page: #heat-7, #build-12. */
async function follow() {
  const [, name, number] = /^#([a-z]+)-(\d+)$/.exec(location.hash) || [];
  if (name === "build" && DATA.builds[number - 1]) {
    page.build = number - 1;
    await refresh();
    document.getElementById("waterfall").scrollIntoView();
  } else if (name) {
    const at = page.groups.indexOf(number - 1);
    if (at >= 0) page.first = atOnce === Infinity ? 0 : Math.floor(at / atOnce) * atOnce;
    await refresh();
    document.getElementById(`${name}-${number}`)?.scrollIntoView();
  }
}

let waiting = 0;
form.addEventListener("input", (event) => {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, event.target.name === "text" ? 60 : 0);
});
form.addEventListener("reset", () => setTimeout(refresh));
form.addEventListener("submit", (event) => event.preventDefault());
for (const [id, step] of [["before", -GROUPS_AT_ONCE], ["after", GROUPS_AT_ONCE]]) {
  document.getElementById(id).addEventListener("click", () => {
    page.first = Math.max(0, Math.min(page.first + step, page.groups.length - 1));
    refresh();
  });
}
document.getElementById("all").addEventListener("click", () => {
  atOnce = atOnce === Infinity ? GROUPS_AT_ONCE : Infinity;
  page.first = 0;
  refresh();
});
document.getElementById("build")?.addEventListener("change", (event) => {
  page.build = Number(event.target.value);
  history.replaceState(null, "", `#build-${page.build + 1}`);
  fall.show(buildOnPage());
});
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => sortBy(button));
addEventListener("hashchange", follow);
if (innerWidth < 700) document.getElementById("filters").open = false; // the answer comes first
refresh().then(follow);
