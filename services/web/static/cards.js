// Has the next cards here before they are wanted. A vote goes out behind the card that follows it, each once and in their
// order; while the line is lost they wait in this tab. Without this script each form is sent by itself.
"use strict";
(() => {
  const card = () => document.getElementById("card");
  const status = document.getElementById("waiting");
  if (!card() || !status || !window.sessionStorage) return;

  // How long keys are dead after an answer, so that a double press is one: it is seen, and then the next card comes.
  const SETTLES = 200;
  const PATIENCE = 15000, FIRST_PAUSE = 1000, LONGEST_PAUSE = 15000;
  const place = `votes that wait: ${location.pathname}`, told = `answers that were not counted: ${location.pathname}`;
  const { person, most } = card().dataset;
  let proof = card().dataset.proof;

  // Votes that are not in yet, the first given first; cards that were answered, and cards whose turn is to come.
  let waiting = read();
  const answered = new Map();
  const ahead = [];
  let sending = false, filling = false, pause = FIRST_PAUSE, warned = false, end = null, timer;

  const isBusy = () => document.body.hasAttribute("aria-busy");

  function read() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(place) ?? "[]");
      return kept.filter((vote) => vote.person === person);
    } catch { return []; }
  }

  function keep() {
    if (waiting.length) sessionStorage.setItem(place, JSON.stringify(waiting));
    else sessionStorage.removeItem(place);
    status.dataset.n = waiting.length;
    if (!waiting.length) { status.hidden = true; warned = false; }
  }

  function tell(lost) {
    const said = waiting.length === 1 ? status.dataset.one : status.dataset.many.replace("{n}", waiting.length);
    const more = warned ? status.dataset.stay : card().dataset.lease ? "" : status.dataset.next;
    status.textContent = `${said} ${more}`;
    status.hidden = !(lost && waiting.length);
  }

  // What the button that was pressed asks for is filled in. The platform has the last word, whatever is thought here.
  const isWhole = (fields, button) =>
    (button.dataset.asks ?? "").split(" ").every((name) => !name || fields.getAll(name).some((value) => value.trim()));

  function show(next) {
    card().replaceWith(next);
    window.scrollTo(0, 0);
    (next.querySelector("[data-focus]") ?? next.querySelector("#title"))?.focus({ preventScroll: true });
  }

  // Where no card is ready yet: what stands there has no button, so that keys find nothing.
  function empty() {
    const none = card().cloneNode(false);
    delete none.dataset.lease;
    return none;
  }

  // After an answer, unless what it was given to was answered wrongly and is here anew.
  function goOn(node) {
    if (card() === node) show(ahead.shift() ?? (waiting.length ? null : end) ?? empty());
    document.body.removeAttribute("aria-busy");
    tell(pause > FIRST_PAUSE);
    if (!waiting.length) fill();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (isBusy()) return; // It is stopped elsewhere.
    if (form.matches("[data-undo]") && waiting.some((vote) => !vote.undo)) { takeBack(event); return; }
    if (form.action.endsWith("/sign-out")) { leave(event); return; }
    if (!form.matches("[data-vote]") || !button) return;
    const fields = new FormData(form);
    fields.append(button.name, button.value);
    if (!isWhole(fields, button)) return; // The platform says what lacks.
    event.preventDefault();
    event.stopImmediatePropagation();
    const lease = fields.get("lease");
    fields.delete("proof");
    const title = form.closest("#card").querySelector("#title")?.textContent.trim() ?? "";
    waiting.push({ person, lease, task: fields.get("task"), title, to: form.getAttribute("action"), fields: [...fields] });
    const node = card();
    answered.set(lease, node);
    keep();
    document.body.setAttribute("aria-busy", "true");
    setTimeout(() => goOn(node), SETTLES);
    send();
  }, true);

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
    if (!waiting.some((vote) => !vote.undo) || typing || event.repeat || event.key.toLowerCase() !== card().dataset.undo) return;
    takeBack(event);
  }, true);

  // The newest vote that is not being taken back yet: from what waits here, or, where it is on its way, once it is in.
  function takeBack(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (isBusy()) return;
    const newest = waiting.findLast((vote) => !vote.undo), node = newest && answered.get(newest.lease);
    if (!newest) return;
    // One that went out once may be in, though nothing was heard of it.
    if (newest.tried || !node) { newest.undo = true; keep(); return; }
    waiting = waiting.filter((vote) => vote !== newest);
    answered.delete(newest.lease);
    if (card().dataset.lease) ahead.unshift(card());
    keep();
    show(node);
    tell(pause > FIRST_PAUSE);
  }

  // What was not counted, or not taken back, stays to be read until it was, wherever one goes on to.
  function note(vote, said) {
    sessionStorage.setItem(told, JSON.stringify([...notes(), { person, line: `${said} ${vote.title}` }]));
    shownNotes();
  }

  function notes() {
    try { return JSON.parse(sessionStorage.getItem(told) ?? "[]").filter((one) => one.person === person); }
    catch { return []; }
  }

  function shownNotes() {
    const box = document.getElementById("refused");
    box.querySelector("ul").replaceChildren(...notes().map((one) =>
      Object.assign(document.createElement("li"), { textContent: one.line })));
    box.hidden = !notes().length;
  }

  const seen = Object.assign(document.createElement("button"), { type: "button", className: "plain" });
  seen.textContent = document.getElementById("refused").dataset.seen;
  seen.addEventListener("click", () => {
    sessionStorage.removeItem(told);
    shownNotes();
  });
  document.getElementById("refused").append(seen);

  function leave(event) {
    if (!waiting.length || warned) { sessionStorage.clear(); return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    warned = true;
    tell(true);
    send();
  }

  async function ask(to, fields) {
    const body = new URLSearchParams(fields);
    body.set("proof", proof);
    body.set("quick", "1");
    const here = [card(), ...ahead].map((one) => one.dataset.lease).filter(Boolean);
    const shown = here.find((lease) => !waiting.some((vote) => vote.lease === lease));
    if (shown) body.set("shown", shown);
    for (const lease of [...here, ...waiting.map((vote) => vote.lease)]) body.append("has", lease);
    const answer = await fetch(to, { method: "POST", body, signal: AbortSignal.timeout(PATIENCE) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { status: answer.status, page };
  }

  async function send() {
    if (sending || !waiting.length) return;
    clearTimeout(timer);
    if (navigator.onLine === false) { later(); return; }
    sending = true;
    const vote = waiting[0];
    vote.tried = true;
    keep();
    let heard = null;
    try { heard = await ask(vote.to, vote.fields); } catch { /* The line is lost, or it takes too long. */ }
    sending = false;
    // What is no page of ours says nothing of the vote: it came from something in between.
    const isOurs = heard?.page.querySelector("#card, [data-trouble], form[action='/sign-in']");
    if (!isOurs || heard.status === 429 || heard.status >= 500) { later(); return; }
    if (heard.status === 401) { signIn(); return; }
    // Signed in anew elsewhere: a page of now has the proof of now, and sends what waits.
    if (heard.page.querySelector("[data-trouble=form]") && !vote.anew) { vote.anew = true; keep(); location.reload(); return; }
    pause = FIRST_PAUSE;
    waiting = waiting.filter((one) => one !== vote);
    answered.delete(vote.lease);
    keep();
    const why = refusal(heard);
    take(heard, vote);
    tell(false);
    if (why) note(vote, `${document.getElementById("refused").dataset.said} ${why}`);
    else if (vote.undo && heard.status !== 422 && undo(vote)) return;
    if (waiting.length) send(); else if (!isBusy()) fill();
  }

  function later() {
    timer = setTimeout(send, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
    tell(true);
  }

  const signIn = () => location.assign(`/sign-in?ended=1&to=${encodeURIComponent(location.pathname)}`);

  // What the platform answered: how it stands now, and a card: the next, or the one that was answered wrongly.
  function take({ status: how, page }, vote) {
    const strip = page.getElementById("strip"), next = page.getElementById("card");
    if (strip) document.getElementById("strip").replaceWith(document.adoptNode(strip));
    if (!next) { if (!card().dataset.lease) location.reload(); return; }
    proof = next.dataset.proof;
    document.adoptNode(next);
    const known = [card(), ...ahead].some((one) => next.dataset.lease && one.dataset.lease === next.dataset.lease);
    if (how === 422 && next.dataset.lease === vote?.lease) {
      if (card().dataset.lease && card().dataset.lease !== vote.lease) ahead.unshift(card());
      show(next);
    } else if (known) {
      return;
    } else if (next.dataset.lease) {
      ahead.push(next);
      if (!card().dataset.lease && !isBusy()) show(ahead.shift());
    } else {
      end = next;
      if (!card().dataset.lease && !ahead.length && !waiting.length && !isBusy()) show(next);
    }
  }

  // Why a vote is refused for good; "" where it is in, or was answered wrongly and is here anew.
  function refusal({ status: how, page }) {
    if (how === 422) return "";
    const gone = page.querySelector("#strip [data-why]"), trouble = page.querySelector("[data-trouble] h1");
    return (gone ?? trouble)?.textContent.trim() ?? "";
  }

  // Takes this very vote back, where it may still be.
  function undo(vote) {
    const form = [...document.querySelectorAll("#strip form")].find((one) => one.elements.task?.value === vote.task);
    if (!form) { note(vote, document.getElementById("refused").dataset.late); return false; }
    document.body.removeAttribute("aria-busy");
    form.submit(); // Not as if it were pressed: what waits behind it stays.
    return true;
  }

  async function fill() {
    if (filling || waiting.length) return;
    filling = true;
    try {
      while (card().dataset.lease && ahead.length < most && !waiting.length) {
        const heard = await ask(card().dataset.ahead, []);
        if (heard.status !== 200) break;
        const before = ahead.length;
        take(heard);
        if (ahead.length === before) break;
      }
    } catch { /* Without them each card comes when its turn does. */ }
    filling = false;
  }

  window.addEventListener("online", () => { pause = FIRST_PAUSE; send(); });

  // What a page before this one left: its card is answered, and is not shown once more.
  keep();
  shownNotes();
  if (waiting.some((vote) => vote.lease === card().dataset.lease)) show(empty());
  if (waiting.length) { tell(true); send(); } else fill();
})();
