"use strict";
/* Dark or light: as the system, until the reader chooses. */
function themed() {
  const button = document.getElementById("theme");
  button?.addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).getPropertyValue("--dark").trim() === "1";
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  });
}
/* Paper cannot be unfolded: what is folded away is open there. A chart's data is a second telling
   of what the chart shows, and stays out unless the reader has opened it. */
function papered() {
  const folded = "main details:not(.data)";
  const opened = new Set();
  const unfold = (paper) => {
    if (paper) {
      for (const one of document.querySelectorAll(`${folded}:not([open])`)) { one.open = true; opened.add(one); }
    } else {
      for (const one of opened) one.open = false;
      opened.clear();
    }
  };
  matchMedia("print").addEventListener("change", (media) => unfold(media.matches));
  addEventListener("beforeprint", () => unfold(true));
  addEventListener("afterprint", () => unfold(false));
}
themed();
papered();
