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
  const place = `votes that wait: ${location.pathname}`;
  const { person, most } = card().dataset;
  let proof = card().dataset.proof;

  // Votes that are not in yet, the first given first; cards that were answered, and cards whose turn is to come.
  let waiting = read();
  const answered = new Map();
  const ahead = [];
  let sending = false, filling = false, pause = FIRST_PAUSE, undoes = false, warned = false, end = null, timer;

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
    if (form.matches("[data-undo]") && waiting.length) { takeBack(event); return; }
    if (form.action.endsWith("/sign-out")) { leave(event); return; }
    if (!form.matches("[data-vote]") || !button) return;
    const fields = new FormData(form);
    fields.append(button.name, button.value);
    if (!isWhole(fields, button)) return; // The platform says what lacks.
    event.preventDefault();
    event.stopImmediatePropagation();
    const lease = fields.get("lease");
    fields.delete("proof");
    waiting.push({ person, lease, to: form.getAttribute("action"), fields: [...fields] });
    const node = card();
    answered.set(lease, node);
    keep();
    document.body.setAttribute("aria-busy", "true");
    setTimeout(() => goOn(node), SETTLES);
    send();
  }, true);

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
    if (!waiting.length || typing || event.repeat || event.key.toLowerCase() !== card().dataset.undo) return;
    takeBack(event);
  }, true);

  // The newest vote: from what waits here, or, where it is on its way, once it is in.
  function takeBack(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (isBusy()) return;
    const newest = waiting.at(-1), node = answered.get(newest.lease);
    // One that went out once may be in, though nothing was heard of it.
    if (newest.tried || !node) { undoes = true; return; }
    waiting.pop();
    answered.delete(newest.lease);
    if (card().dataset.lease) ahead.unshift(card());
    keep();
    show(node);
    tell(pause > FIRST_PAUSE);
  }

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
    const again = vote.tried ? [["again", "1"]] : [];
    vote.tried = true;
    keep();
    let heard = null;
    try { heard = await ask(vote.to, [...vote.fields, ...again]); } catch { /* The line is lost, or it takes too long. */ }
    sending = false;
    if (heard === null || heard.status === 429 || heard.status >= 500) { later(); return; }
    if (heard.status === 401) { signIn(); return; }
    // Signed in anew elsewhere: a page of now has the proof of now, and sends what waits.
    if (heard.page.querySelector("[data-trouble=form]") && !vote.anew) { vote.anew = true; keep(); location.reload(); return; }
    pause = FIRST_PAUSE;
    waiting = waiting.filter((one) => one !== vote);
    answered.delete(vote.lease);
    keep();
    take(heard, vote);
    tell(false);
    if (undoes && !waiting.length) { undoes = false; document.querySelector("[data-undo] button")?.click(); return; }
    if (waiting.length) send(); else if (!isBusy()) fill();
  }

  function later() {
    tell(true);
    timer = setTimeout(send, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
    tell(true);
  }

  const signIn = () => location.assign(`/sign-in?ended=1&to=${encodeURIComponent(location.pathname)}`);

  // What the platform answered: how it stands now, and a card: the next, or the one that was answered wrongly.
  function take({ status: how, page }, vote) {
    const strip = page.getElementById("strip"), next = page.getElementById("card");
    if (strip) document.getElementById("strip").replaceWith(document.adoptNode(strip));
    if (!next) { explain(page); return; }
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

  // One that is refused for good says why, where its vote would have been counted.
  function explain(page) {
    const why = page.querySelector("main h1")?.textContent;
    if (why) document.querySelector("#strip [role=status]")?.append(Object.assign(document.createElement("span"),
      { className: "notice", textContent: why }));
    if (!card().dataset.lease) location.reload();
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
  if (waiting.some((vote) => vote.lease === card().dataset.lease)) show(empty());
  if (waiting.length) { tell(true); send(); } else fill();
})();
