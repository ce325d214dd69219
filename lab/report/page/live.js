"use strict";
/* A build under way: asked for once a second, drawn as far as it is. */
const SPECS = JSON.parse(document.getElementById("specs").textContent);
const home = JSON.parse(document.getElementById("data").textContent);
const now = new Figure({ id: "now", title: "The build under way", spec: "waterfall", note: "a step without an outcome still runs, or its engine reports none",
  columns: [["label", "step"], ["outcome", "outcome"], ["tip", "so far"]] });
document.getElementById("chart").append(now.root);

async function look() {
  try {
    const state = await (await fetch(home.from)).json();
    document.getElementById("state").textContent = state.said;
    await now.show(state.rows);
    document.body.dataset.ready = String(state.rows.length);
    if (state.ended) { location.replace(home.report); return; }
  } catch (error) {
    document.getElementById("state").textContent = `the lab does not answer: ${error.message}`;
  }
  setTimeout(look, 1000);
}
look();
