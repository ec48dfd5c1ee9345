// Parts of a page: asked for with what the page holds, and shown in place. The newest question wins.
"use strict";
const parts = (() => {
  const HEADERS = { "X-Audience-Graph": "1" };

  async function send(path, body) {
    const json = !(body instanceof FormData);
    const response = await fetch(path, {
      method: "POST",
      headers: json ? { ...HEADERS, "Content-Type": "application/json" } : HEADERS,
      body: json ? JSON.stringify(body) : body,
      credentials: "same-origin",
    });
    if (response.status === 401) location.assign("/login");
    const text = await response.text();
    const ours = response.headers.get("Content-Type")?.startsWith("text/html") && response.status === 200;
    if (!ours) throw new Error(text.slice(0, 300) || `answer ${response.status}`);
    return { ok: response.headers.get("X-Audience-Graph") !== "refused", html: text };
  }

  // Say what went wrong, as text: it may come from something between here and the console.
  function fault(error) {
    const box = document.createElement("div");
    box.className = "error";
    box.setAttribute("role", "alert");
    const gone = error instanceof TypeError;
    box.textContent = gone ? "The console does not answer. Does its terminal still run?" : error.message;
    return box;
  }

  // What to put the focus on again after a part was drawn anew.
  const NAMES = ["data-pick", "data-entity", "data-show", "data-toggle", "id"];
  function focused(element) {
    const active = document.activeElement;
    if (!active || !element.contains(active)) return null;
    const name = NAMES.find((n) => active.hasAttribute(n));
    return name ? `[${name}="${CSS.escape(active.getAttribute(name))}"]` : null;
  }

  const asking = new Map(); // element -> the question that waits for its turn, or null
  const rounds = new WeakMap(); // element -> how often it was cleared: an answer of an earlier round is not shown

  function clear(element) {
    rounds.set(element, (rounds.get(element) ?? 0) + 1);
    if (asking.has(element)) asking.set(element, null);
    element.replaceChildren();
  }

  // Ask for a part. While it is on its way the newest other question waits; those between are never sent.
  async function show(element, path, body) {
    if (asking.has(element)) {
      asking.set(element, { path, body });
      return;
    }
    asking.set(element, null);
    element.setAttribute("aria-busy", "true");
    let next = { path, body };
    while (next) {
      const round = rounds.get(element);
      try {
        const { html } = await send(next.path, next.body);
        if (round === rounds.get(element)) {
          const again = focused(element);
          element.innerHTML = html; // made by our own server, every value escaped there
          if (again) element.querySelector(again)?.focus();
        }
      } catch (error) {
        element.replaceChildren(fault(error));
      }
      next = asking.get(element);
      asking.set(element, null);
    }
    asking.delete(element);
    element.removeAttribute("aria-busy");
    element.dispatchEvent(new CustomEvent("shown", { bubbles: true }));
  }

  function later(run, milliseconds) {
    let timer;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(run, milliseconds);
    };
  }

  // Save an answer as a file, under the name that the server gives it.
  async function save(path, body) {
    const response = await fetch(path, { method: "POST", headers: HEADERS, body, credentials: "same-origin" });
    if (!response.ok) throw new Error(`answer ${response.status}`);
    if (response.headers.get("X-Audience-Graph") === "refused") throw new Error("ask again: the answer has changed");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "answer.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // Forms that answer in place: <form data-post="/path" data-answer="#id">; data-reload loads the page again after it.
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-post]");
    const button = event.submitter;
    if (!form) return;
    event.preventDefault();
    const path = button?.dataset.to ?? form.dataset.post;
    const answer = document.querySelector(form.dataset.answer);
    const data = new FormData(form, button);
    form.setAttribute("aria-busy", "true");
    if (button) button.disabled = true;
    try {
      if (button?.dataset.plain !== undefined) {
        await save(button.formAction, data);
        return;
      }
      const { ok, html } = await send(path, data);
      if (ok && form.dataset.reload !== undefined) {
        sessionStorage.setItem("said", html);
        location.reload();
        return;
      }
      answer.innerHTML = html;
      answer.scrollIntoView({ block: "nearest" });
    } catch (error) {
      answer.replaceChildren(fault(error));
    } finally {
      form.removeAttribute("aria-busy");
      if (button) button.disabled = false;
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    const said = sessionStorage.getItem("said");
    const place = document.getElementById("said");
    if (said && place) place.innerHTML = said;
    sessionStorage.removeItem("said");
  });

  // Values that a field may take, asked for while one types: <input data-suggest="/path?..." list="id">.
  const suggest = later(async () => {
    const field = document.activeElement;
    if (!field?.dataset?.suggest || !field.list) return;
    const response = await fetch(`${field.dataset.suggest}&typed=${encodeURIComponent(field.value)}`, { headers: HEADERS });
    if (!response.ok) return;
    const options = (await response.json()).map((value) => Object.assign(document.createElement("option"), { value }));
    field.list.replaceChildren(...options);
  }, 150);
  document.addEventListener("input", suggest);
  document.addEventListener("focusin", suggest);
  suggest(); // somebody may have typed before this was loaded

  return { show, clear, send, later };
})();
