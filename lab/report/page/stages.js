"use strict";
/* One go build: its actions over time. */
const SPECS = JSON.parse(document.getElementById("specs").textContent);
const build = new Figure({ id: "build", title: "The build's actions", spec: "waterfall", note: "seconds from the first action",
  columns: [["label", "action"], ["start", "from, s"], ["end", "to, s"], ["tip", "in words"]] });
document.getElementById("chart").append(build.root);
build.show(JSON.parse(document.getElementById("data").textContent)).then(() => { document.body.dataset.ready = "1"; });
