// Looks again at what is under way, for as long as it is; without scripts a link does.
"use strict";
if (document.querySelector("[data-again]")) {
  setTimeout(() => { if (!document.hidden) location.reload(); }, 2000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) location.reload(); });
}
