// Keeps the page fresh: fetches it every two seconds, and at once when something happened, and puts in
// place what changed below #live. The server makes the markup, so the page is the same without this script.
// A page that is `still` is not fetched again; there it only asks whether the director answers.
"use strict";
(() => {
  const live = document.getElementById("live");
  const pulse = document.getElementById("pulse");
  const still = live.hasAttribute("data-still");
  const every = 2000;
  const patience = 15000;
  const name = document.title.replace(/^.*? · /, "");
  let last = Date.now();
  let shown = last;
  let next = 0;
  let title = document.title;

  // Make `old` like `fresh`, touching only what differs: focus, selection and scrolling stay.
  function patch(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
      old.replaceWith(fresh.cloneNode(true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (typing(old)) return;
    // Who opened or closed something has it so until it says something else.
    const kept = old.nodeName === "DETAILS" && old.dataset.fold === fresh.dataset.fold ? old.open : fresh.open;
    for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    if (old.nodeName === "DETAILS") old.open = kept;
    children(old, fresh);
  }

  const key = (node) => node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;

  // What says what it is about stays the same element wherever it goes; the rest is matched in order.
  function children(old, fresh) {
    const known = new Map();
    const rest = [];
    for (const node of old.childNodes) if (key(node) === null) rest.push(node); else known.set(key(node), node);
    let place = old.firstChild;
    for (const node of fresh.childNodes) {
      const same = key(node) === null ? rest.shift() : known.get(key(node));
      if (key(node) !== null) known.delete(key(node));
      if (same === undefined || same.nodeName !== node.nodeName) {
        if (same !== undefined && same === place) place = place.nextSibling;
        if (same !== undefined) same.remove();
        old.insertBefore(node.cloneNode(true), place);
        continue;
      }
      patch(same, node);
      if (same === place) place = place.nextSibling; else old.insertBefore(same, place);
    }
    for (const node of [...known.values(), ...rest]) node.remove();
  }

  // Nothing moves away from under a finger: while a link is pointed at, the page waits a while.
  const aimed = () => live.querySelector("a:hover, a:active, button:hover, button:active") !== null;

  // What somebody types stays theirs until they have sent it.
  const typing = (node) => node.matches("input:not([type=hidden])")
    && (node.value !== node.defaultValue || node.checked !== node.defaultChecked);

  function say(text, tone) {
    if (pulse.textContent !== text) pulse.textContent = text;
    pulse.className = "pulse " + tone;
    document.body.classList.toggle("dead", tone === "stale");
  }

  function stale(text, title) {
    say(text, "stale");
    document.title = title + " · " + name;
  }

  async function fetched() {
    const answer = await fetch(still ? "/healthz" : location.href, {
      headers: {Accept: "text/html"}, signal: AbortSignal.timeout(5000),
    });
    if (answer.status === 401) {
      stale("Signed out. Sign in again to see fresh figures.", "Signed out");
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    if (!still) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const part = fresh.getElementById("live");
      if (part === null) throw new Error("no page");
      if (!aimed() || Date.now() - last > patience) {
        children(live, part);
        last = shown = Date.now();
      }
      if (part.hasAttribute("data-still")) { location.reload(); return; }
      title = fresh.title;
    } else last = Date.now();
    say("Live", "live");
    document.title = title;
  }

  async function look() {
    try {
      await fetched();
    } catch {
      stale("No answer since " + new Date(last).toLocaleTimeString() + ". The figures are old.", "No answer");
    }
    clearTimeout(next);
    next = setTimeout(look, document.hidden ? 5 * every : every);
  }

  // What happened is told at once; should that not work, the figures come every two seconds all the same.
  const told = new EventSource("/api/v1/events");
  const happened = () => { clearTimeout(next); next = setTimeout(look, 150); };
  told.onmessage = happened;
  addEventListener("pagehide", () => told.close());

  // A time that runs out goes on between two looks.
  const lasting = (seconds) => {
    const whole = Math.max(0, Math.ceil(seconds));
    const two = (number) => String(number).padStart(2, "0");
    if (whole < 60) return whole + " s";
    const minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600);
    return hours ? hours + ":" + two(minutes) + ":" + two(whole % 60) : minutes + ":" + two(whole % 60);
  };
  setInterval(() => {
    for (const one of live.querySelectorAll("[data-left]")) {
      one.textContent = lasting(Number(one.dataset.left) - (Date.now() - shown) / 1000);
    }
  }, 500);

  // The share of new work that a weight would bring, beside the weights of the others.
  live.addEventListener("input", ({target}) => {
    const others = Number(target.dataset.others);
    if (target.dataset.others === undefined) return;
    const weight = Number(target.value);
    const share = target.parentElement.querySelector("output");
    if (share === null) return;
    const part = weight + others > 0 ? weight / (weight + others) : 0;
    const rate = Number(target.dataset.rate);
    share.textContent = weight + others <= 0 ? "nobody takes work"
      : "→ " + Math.round(part * 100) + " % of new work" + (rate > 0 ? ", about " + Math.round(part * rate * 10) / 10 + "/s" : "");
  });

  say("Live", "live");
  next = setTimeout(look, every);
})();
