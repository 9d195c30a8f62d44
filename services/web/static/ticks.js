// Says on the button how many are ticked; without scripts it says that it is for those that are.
"use strict";
{
  const count = () => {
    const button = document.querySelector("[data-counts]");
    const n = document.querySelectorAll("input[name=tasks]:checked").length;
    if (button) button.textContent = n ? button.dataset.counts.replace("{n}", n) : button.dataset.none;
  };
  count();
  document.addEventListener("change", count);
  document.addEventListener("htmx:afterSwap", () => { count(); document.getElementById("main")?.focus({ preventScroll: true }); });
}
