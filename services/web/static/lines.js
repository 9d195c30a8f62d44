// Leads from a fault to its line in the text, and to the first that is wrong.
"use strict";
const text = document.getElementById("document");
document.addEventListener("click", (event) => {
  const line = Number(event.target.closest("[data-line]")?.dataset.line);
  if (!line || !text) return;
  event.preventDefault();
  const lines = text.value.split("\n"), begins = lines.slice(0, line - 1).reduce((n, one) => n + one.length + 1, 0);
  text.focus();
  text.setSelectionRange(begins, begins + (lines[line - 1] ?? "").length);
  text.scrollTop = (text.scrollHeight / lines.length) * Math.max(line - 4, 0);
});
document.querySelector("[data-focus]")?.focus();
