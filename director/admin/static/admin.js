// Keeps the figures fresh: fetches the live part of the page every two seconds and puts in
// place what changed. The server makes the markup, so the page is the same without this script.
"use strict";
(() => {
  const live = document.getElementById("live");
  const pulse = document.getElementById("pulse");
  const every = 2000;
  const patience = 15000;
  const name = document.title.replace(/^.*? · /, "");
  let last = Date.now();

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
    for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
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

  // Nothing moves away from under a finger: while a link is pointed at or focused, the page waits a while.
  const aimed = () => live.querySelector("a:hover, a:active, a:focus-visible") !== null;

  function say(text, tone) {
    if (pulse.textContent !== text) pulse.textContent = text;
    pulse.className = "pulse " + tone;
    document.body.classList.toggle("dead", tone === "stale");
  }

  function stale(text, title) {
    say(text, "stale");
    document.title = title + " · " + name;
  }

  async function look() {
    try {
      const answer = await fetch("/api/v1/stats", {
        headers: {Accept: "text/html"}, signal: AbortSignal.timeout(5000),
      });
      if (answer.status === 401) {
        stale("Signed out. Sign in again to see fresh figures.", "Signed out");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const headline = fresh.querySelector("h1");
      if (!aimed() || Date.now() - last > patience) {
        children(live, fresh.body);
        last = Date.now();
      }
      say("Live", "live");
      if (headline) document.title = headline.textContent + " · " + name;
    } catch {
      stale("No answer since " + new Date(last).toLocaleTimeString() + ". The figures are old.", "No answer");
    }
    setTimeout(look, document.hidden ? 5 * every : every);
  }

  say("Live", "live");
  setTimeout(look, every);
})();
