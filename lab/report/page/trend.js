"use strict";
/* The trend of a scenario: its medians, run by run. */
const SPECS = JSON.parse(document.getElementById("specs").textContent);
const trend = new Figure({ id: "trend", title: "Median wall time by run", spec: "trend", note: "logarithmic",
  columns: [["run", "run"], ["cell", "cell"], ["phase", "phase"], ["said", "median (spread, count)"]] });
document.getElementById("chart").append(trend.root);
trend.show(JSON.parse(document.getElementById("data").textContent)).then(() => { document.body.dataset.ready = "1"; });
