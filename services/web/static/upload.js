// Sends a form with a file and shows how much of it went; without scripts the form goes its plain way.
"use strict";
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-upload]");
  const file = form?.querySelector("input[type=file]")?.files[0];
  if (!form || !file) return;
  event.preventDefault();
  const bar = form.querySelector("[data-progress]"), trouble = form.querySelector("[data-trouble]");
  const buttons = form.querySelectorAll("button");
  const say = (text) => {
    trouble.textContent = text;
    trouble.hidden = !text;
    bar.hidden = Boolean(text);
    for (const button of buttons) button.disabled = !text;
  };
  if (file.size > Number(form.dataset.most)) { say(form.dataset.large); return; }
  // Before its buttons are disabled, of which one says what is to be done.
  const sent = new FormData(form, event.submitter);
  say("");
  const asked = new XMLHttpRequest();
  asked.upload.addEventListener("progress", (at) => {
    if (at.lengthComputable) bar.querySelector("progress").value = Math.floor((100 * at.loaded) / at.total);
  });
  for (const broken of ["error", "abort", "timeout"]) {
    asked.addEventListener(broken, () => say(form.dataset.broken));
  }
  asked.addEventListener("load", () => {
    // Where it went on to another page, that one is shown; else what was wrong, where the form was.
    if (asked.status < 400 && asked.responseURL !== form.action) { location.assign(asked.responseURL); return; }
    const shown = new DOMParser().parseFromString(asked.responseText, "text/html").querySelector("main");
    if (!shown) { say(form.dataset.broken); return; }
    // What passes: the form stays as it is, with its file, to be sent again.
    if (asked.status === 429 || asked.status >= 500) {
      say([...shown.querySelectorAll("h1, h1 + p")].map((one) => one.textContent).join(". "));
      return;
    }
    document.querySelector("main").replaceWith(document.adoptNode(shown));
    document.querySelector("[role=alert]")?.focus();
  });
  asked.open("POST", form.action);
  asked.send(sent);
});
