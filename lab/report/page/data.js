"use strict";
/* The page's data: arrays as lab/report/packed.py packs them, read into rows for charts. */
const DATA = JSON.parse(document.getElementById("data").textContent);
const SPECS = JSON.parse(document.getElementById("specs").textContent);
const text = (place) => DATA.texts[place];
const HIT = DATA.outcomes.indexOf("hit");

function seconds(value) {
  if (value === null) return "–";
  if (value < 0.9995) return `${+(value * 1000).toPrecision(3)} ms`;
  if (value < 99.95) return `${+value.toPrecision(3)} s`;
  return `${Math.floor(Math.round(value) / 60)} min ${Math.round(value) % 60} s`;
}

const UNITS = {
  wall: seconds,
  saved: (value) => `${Math.round(value * 100)} %`,
  size: (value) => `${+(value / 1e6).toPrecision(3)} MB`,
};

/* Tiles of each group, once: a filter then looks only at the groups on the page. */
const tilesOf = DATA.groups.map(() => []);
for (const tile of DATA.tiles) tilesOf[tile[0]].push(tile);
const bandsOf = Object.fromEntries(Object.entries(DATA.bands).map(([name, bands]) => {
  const found = DATA.groups.map(() => []);
  for (const band of bands) found[band[0]].push(band);
  return [name, found];
}));

/* What the reader asked for: sets of places, the text of a step, the order of steps. */
function groupMatches(group, wanted) {
  const cell = DATA.groups[group].cell;
  return Object.entries(wanted.axes).every(([axis, values]) => values.has(cell[axis] ?? ""));
}

function heatRows(group, wanted) {
  const tiles = tilesOf[group].filter((tile) => wanted.phases.has(tile[1])
    && wanted.columns.has(tile[2]) && (!wanted.text || text(tile[4]).toLowerCase().includes(wanted.text)));
  const kept = new Set(tiles.filter((tile) => wanted.outcomes.has(DATA.outcomes[tile[5]]))
    .map((tile) => tile[4]));
  const rank = new Map();
  for (const tile of tiles) {
    const weight = wanted.order === "slowest" ? -tile[9] : wanted.order === "misses" ? -(tile[5] !== HIT) : 0;
    rank.set(tile[4], wanted.order === "misses" ? (rank.get(tile[4]) || 0) + weight
      : Math.min(rank.get(tile[4]) || 0, weight));
  }
  return tiles.filter((tile) => kept.has(tile[4])).map((tile) => {
    const [, p, c, order, label, outcome, said, counts, duration, , cause] = tile;
    const why = text(cause) ? `\ncause: ${text(cause)}` : "";
    return {
      phase: DATA.phases[p], phase_order: p, column: DATA.columns[c], column_order: c, label: text(label),
      order: rank.get(label) * 1e6 + order, outcome: DATA.outcomes[outcome], said: text(said),
      counts: text(counts), duration: text(duration), cause: text(cause) || "–",
      tip: `${text(label)}\n${DATA.phases[p]}, ${DATA.columns[c]}: ${text(counts)}, ${text(duration)}${why}`,
    };
  }).sort((a, b) => a.phase_order - b.phase_order || a.order - b.order);
}

function bandRows(name, group, wanted) {
  const unit = UNITS[name];
  const rows = [];
  for (const [, p, c, count, median, low, high, sure, points, said] of bandsOf[name][group]) {
    if (!wanted.phases.has(p) || !wanted.columns.has(c)) continue;
    const where = { phase: DATA.phases[p], phase_order: p, column: DATA.columns[c], column_order: c };
    const about = `${where.phase}, ${where.column}: `;
    const between = sure ? "95 % interval of the median" : count > 1 ? "range" : "one build";
    rows.push({ ...where, kind: "band", value: median, low, high, count, between,
      said: text(said), tip: `${about}median ${text(said)}; bar: ${between}` });
    for (const value of points) {
      rows.push({ ...where, kind: "point", value, tip: `${about}${unit(value)}` });
    }
  }
  return rows;
}

function buildRows(build) {
  const rows = [];
  const steps = build[7];
  const seen = new Map();
  for (let at = 0; at < steps.length; at += 5) {
    const [label, outcome, start, spent, cause] = steps.slice(at, at + 5);
    const times = (seen.get(label) || 0) + 1;
    seen.set(label, times);
    const name = times === 1 ? text(label) : `${text(label)} #${times}`;
    const why = text(cause) ? `\ncause: ${text(cause)}` : "";
    rows.push({
      label: name, order: at, outcome: DATA.outcomes[outcome], start: start / 1000,
      end: (start + spent) / 1000, from: seconds(start / 1000), took: seconds(spent / 1000),
      cause: text(cause) || "–",
      tip: `${name}\n${DATA.outcomes[outcome]}, ${seconds(spent / 1000)}, from ${seconds(start / 1000)}${why}`,
    });
  }
  return rows;
}

function buildMatches(build, wanted) {
  return wanted.phases.has(build[2]) && wanted.columns.has(build[3]) && groupMatches(build[1], wanted);
}

function buildTitle(build) {
  const cells = DATA.groups.length > 1 ? `, ${DATA.groups[build[1]].title}` : "";
  const wall = build[5] === null ? build[6] : seconds(build[5]);
  return `${DATA.phases[build[2]]}, ${DATA.columns[build[3]]}${cells}, round ${build[4]}: ${wall}`;
}
