"use strict";
/* Dark or light: as the system, until the reader chooses. */
function themed() {
  const button = document.getElementById("theme");
  button?.addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).getPropertyValue("--dark").trim() === "1";
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  });
}
themed();
