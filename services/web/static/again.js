// Looks again at what is under way, for as long as it is; without scripts a link does. Where many wait for one that is
// busy (`data-again="crowd"`) they come later, and not all at once.
"use strict";
(() => {
  const place = document.querySelector("[data-again]");
  if (!place) return;
  const pause = place.dataset.again === "crowd" ? 5000 + 5000 * Math.random() : 2000;
  setTimeout(() => { if (!document.hidden) location.reload(); }, pause);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) location.reload(); });
})();
