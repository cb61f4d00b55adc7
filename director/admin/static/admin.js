// Keeps the figures fresh: fetches the live part of the page every two seconds and puts in
// place what changed. The server makes the markup, so the page is the same without this script.
"use strict";
(() => {
  const live = document.getElementById("live");
  const pulse = document.getElementById("pulse");
  const every = 2000;
  let last = new Date();

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

  function children(old, fresh) {
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    after.forEach((node, index) => {
      if (index < before.length) patch(before[index], node);
      else old.append(node.cloneNode(true));
    });
    before.slice(after.length).forEach((node) => node.remove());
  }

  function say(text, tone) {
    if (pulse.textContent !== text) pulse.textContent = text;
    pulse.className = "pulse " + tone;
  }

  async function look() {
    try {
      const answer = await fetch("/api/v1/stats", {
        headers: {Accept: "text/html"}, signal: AbortSignal.timeout(5000),
      });
      if (answer.status === 401) {
        say("Signed out. Sign in again to see fresh figures.", "stale");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      children(live, fresh.body);
      const headline = live.querySelector("h1");
      if (headline) document.title = headline.textContent + document.title.replace(/^.*?( · )/, "$1");
      last = new Date();
      say("Live", "live");
    } catch {
      say("No answer since " + last.toLocaleTimeString() + ". The figures are old.", "stale");
    }
    setTimeout(look, document.hidden ? 5 * every : every);
  }

  say("Live", "live");
  setTimeout(look, every);
})();
