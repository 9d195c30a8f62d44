// Says on every page that votes wait in this tab, where they are sent from, and what signing out does to them.
"use strict";
(() => {
  const box = document.getElementById("waits"), begins = "votes that wait: ";
  if (!box || document.getElementById("waiting") || !window.sessionStorage) return; // A card says so itself.
  const from = Object.keys(sessionStorage).filter((name) => name.startsWith(begins) && sessionStorage.getItem(name) !== "[]");
  if (!from.length) return;
  const link = box.querySelector("a");
  link.href = from[0].slice(begins.length);
  box.hidden = false;
  let warned = false;
  document.addEventListener("submit", (event) => {
    if (warned || !event.target.action.endsWith("/sign-out")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    warned = true;
    link.focus();
  }, true);
})();
