// Shows instants in the reader's own zone; without scripts they stay in UTC.
"use strict";
{
  const show = () => {
    for (const time of document.querySelectorAll("time[datetime]:not([title])")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) {
        time.title = time.textContent;
        // As days are written everywhere here: 2026-11-30 12:00.
      time.textContent = at.toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });
      }
    }
  };
  show();
  // What came without the rest of the page, to which whoever asked for it is led.
  document.addEventListener("htmx:afterSwap", () => { show(); document.getElementById("main")?.focus({ preventScroll: true }); });
}
