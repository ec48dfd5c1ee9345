// Light, dark, or as the system: kept in this browser, set before anything is drawn.
"use strict";
(() => {
  const orders = { "": "as the system", light: "light", dark: "dark" };
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  let theme = localStorage.getItem("theme") ?? "";
  if (!(theme in orders)) theme = "";
  apply(theme);
  if (location.pathname === "/login") sessionStorage.clear(); // what was asked leaves with who asked it
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const name = () => button.setAttribute("aria-label", `Theme: ${orders[theme]}`);
    name();
    button.addEventListener("click", () => {
      const names = Object.keys(orders);
      theme = names[(names.indexOf(theme) + 1) % names.length];
      localStorage.setItem("theme", theme);
      apply(theme);
      name();
    });
  });
})();
