// Brings the form to the words that are marked, and marks them by keys. Without this script it stands below the text.
"use strict";
(() => {
  const picker = document.getElementById("picker"), form = picker?.querySelector("[data-code]");
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);
  const quote = field("fragment.quote"), home = document.createComment("");
  const passages = [...document.querySelectorAll(".passage")];
  const cut = new Intl.Segmenter(document.documentElement.lang || "en", { granularity: "sentence" });
  // The passage that keys are about, and from where to where of its words is marked.
  let now = null, from = 0, to = 0;

  picker.before(home);
  document.querySelectorAll("[data-scripts]").forEach((one) => { one.hidden = false; });

  const isTyping = (element) => element.closest("input:not([type=radio]), textarea, select, a, button, summary");
  const wordsOf = (passage) => passage.querySelector("[data-words]");

  // The letters of a passage, without what stands between them that the copy does not say.
  function* lettersOf(passage) {
    const walk = document.createTreeWalker(wordsOf(passage), NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) if (!node.parentElement.closest("[data-apart]")) yield node;
  }
  const said = (passage) => [...lettersOf(passage)].map((node) => node.data).join("");

  // How many letters of a passage stand before a place in it.
  function lettersBefore(passage, node, offset) {
    const place = document.createRange();
    place.setStart(node, offset);
    let n = 0;
    for (const letters of lettersOf(passage)) {
      if (letters === node) return n + offset;
      if (place.comparePoint(letters, 0) >= 0) return n;
      n += letters.data.length;
    }
    return n;
  }

  function placeOf(passage, at) {
    let last = null;
    for (const node of lettersOf(passage)) {
      if (at <= node.data.length) return [node, at];
      at -= node.data.length;
      last = node;
    }
    return last ? [last, last.data.length] : [wordsOf(passage), 0];
  }

  function mark() {
    const range = document.createRange();
    range.setStart(...placeOf(now, from));
    range.setEnd(...placeOf(now, to));
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  function goTo(passage) {
    if (!passage) return;
    now?.classList.remove("now");
    now = passage;
    from = to = 0;
    now.classList.add("now");
    getSelection().removeAllRanges();
    now.focus({ preventScroll: true });
    now.scrollIntoView({ block: "nearest" });
  }

  const beside = (step) => passages[(now ? passages.indexOf(now) : step > 0 ? -1 : passages.length) + step];

  // The next sentence of this passage or, behind its last, of the next; or one more of what is marked.
  function sentence(more) {
    if (!now) goTo(beside(1));
    const begins = to, next = now && [...cut.segment(said(now))].find((one) => one.index >= begins && one.segment.trim());
    if (!next) {
      if (more || !beside(1)) return;
      goTo(beside(1));
      return sentence(false);
    }
    if (!more || from === to) from = next.index;
    to = next.index + next.segment.trimEnd().length;
    mark();
  }

  // What somebody marked by a pointer, by whole passages where it is in several.
  function taken() {
    const selection = getSelection();
    if (selection.isCollapsed || !selection.rangeCount) return null;
    const range = selection.getRangeAt(0);
    const touched = passages.filter((one) => range.intersectsNode(wordsOf(one)));
    if (!touched.length || picker.contains(range.startContainer)) return null;
    const first = touched[0], last = touched[touched.length - 1];
    const begins = wordsOf(first).contains(range.startContainer) ? lettersBefore(first, range.startContainer, range.startOffset) : 0;
    const ends = wordsOf(last).contains(range.endContainer) ? lettersBefore(last, range.endContainer, range.endOffset) : said(last).length;
    const words = touched.map((one) => said(one).slice(one === first ? begins : 0, one === last ? ends : undefined));
    return { first, last, begins, words: words.filter((one) => one.trim()).join("\n").trim() };
  }

  function open(what) {
    const { first, last, begins, words } = what;
    quote.value = words;
    field("number").value = last.id.slice(1);
    // What is in several passages is not within one.
    field("passage").value = first === last ? first.dataset.locator : "";
    field("before").value = first === last ? said(first).slice(Math.max(0, begins - 40), begins) : "";
    last.append(picker);
    picker.querySelector("[name='links[0].element']:checked, [name='links[0].element']").focus({ preventScroll: true });
    // The words are seen above the form, or beside it.
    if (picker.getBoundingClientRect().bottom > innerHeight) last.scrollIntoView({ block: "start" });
  }

  function close() {
    home.after(picker);
    (now ?? passages[0])?.focus({ preventScroll: true });
  }

  // Words that are typed may stand anywhere.
  quote.addEventListener("input", () => { field("passage").value = field("before").value = ""; });

  document.getElementById("copy").addEventListener("mouseup", (event) => {
    if (picker.contains(event.target)) return;
    // A click beside what was marked takes the mark away only after this.
    setTimeout(() => {
      const what = taken();
      if (!what?.words) return;
      goOver(what.last);
      open(what);
    });
  });

  function goOver(passage) {
    now?.classList.remove("now");
    now = passage;
    now.classList.add("now");
    from = to = 0;
  }

  document.addEventListener("keydown", (event) => {
    if (document.body.hasAttribute("aria-busy") || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.ctrlKey && picker.contains(event.target)) { event.preventDefault(); form.requestSubmit(form.querySelector("button")); return; }
    if (event.ctrlKey) return;
    if (event.key === "Escape" && !event.target.matches("input:not([type=radio]), textarea, select")) { close(); return; }
    if (isTyping(event.target)) return;
    const inside = picker.contains(event.target);
    if (event.key === "j") goTo(beside(1));
    else if (event.key === "k") goTo(beside(-1));
    else if (event.key === "n") sentence(false);
    else if (event.key === "N") sentence(true);
    else if (event.key === "Enter" && !inside) {
      const what = taken() ?? (now && { first: now, last: now, begins: 0, words: said(now).trim() });
      if (!what?.words) return;
      open(what);
    } else return;
    event.preventDefault();
  });

  // After a fragment is kept its passage is where one goes on; after a fault what was typed stays where it was.
  const kept = passages.find((one) => `#${one.id}` === location.hash);
  if (kept) {
    goTo(kept);
    // One goes on behind what is coded there.
    const last = [...wordsOf(kept).querySelectorAll("mark")].pop();
    if (last) from = to = lettersBefore(kept, last.lastChild, last.lastChild.data.length);
  }
  const again = document.getElementById(`p${field("number").value}`);
  if (again && document.querySelector("[data-focus]")) { goOver(again); again.append(picker); }
})();
