// Shows instants in the reader's own zone; without scripts they stay in UTC.
"use strict";
{
  const show = () => {
    for (const time of document.querySelectorAll("time[datetime]:not([title])")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) {
        time.title = time.textContent;
        time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
      }
    }
  };
  show();
  // What came without the rest of the page, to which whoever asked for it is led.
  document.addEventListener("htmx:afterSwap", () => { show(); document.getElementById("main")?.focus({ preventScroll: true }); });
}
