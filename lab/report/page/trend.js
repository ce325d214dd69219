"use strict";
/* The trend of a scenario: its medians, run by run. */
const SPECS = JSON.parse(document.getElementById("specs").textContent);
const trend = new Figure({ id: "trend", title: "Median wall time by date", spec: "trend", note: "logarithmic; a dot is a run's median, a dashed line the first run of another level",
  columns: [["run", "run"], ["commit", "commit"], ["cell", "cell"], ["phase", "phase"], ["said", "median (spread, count), or change"]] });
document.getElementById("chart").append(trend.root);
trend.show(JSON.parse(document.getElementById("data").textContent)).then(() => { document.body.dataset.ready = "1"; });
