// One key for each button that names one. Keys are dead while a form is under way, so that a double press is one answer.
"use strict";
(() => {
  // Other scripts have keys dead for a while by the same sign.
  const underWay = () => document.body.hasAttribute("aria-busy");

  const isTyping = (element) =>
    element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName) &&
    !["radio", "checkbox", "button", "submit"].includes(element.type);

  document.addEventListener("submit", (event) => {
    if (underWay()) { event.preventDefault(); return; }
    document.body.setAttribute("aria-busy", "true");
    // One that never arrives, or is broken off, may be sent again: it is done once however often it comes.
    setTimeout(alive, 15000);
  });

  const alive = () => document.body.removeAttribute("aria-busy");

  // A page that comes back by the browser's own way is as it was left.
  window.addEventListener("pageshow", alive);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isTyping(event.target)) { event.target.blur(); return; }
    // Enter on a link or a button is that one's own.
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    if (underWay() || event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const found = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!found || found.disabled) return;
    event.preventDefault();
    if (found.matches("details")) {
      const field = found.querySelector("input:not([type=hidden]), textarea");
      found.open = field ? true : !found.open;
      field?.focus();
    } else {
      found.click();
    }
  });

  // An answer that needs a reason leads there first.
  const wanted = document.querySelector("[data-focus]");
  if (wanted) wanted.focus();
})();
