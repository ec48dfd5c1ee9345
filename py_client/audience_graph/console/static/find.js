// The page that finds users: one form, whose parts are shown again when what they depend on changes.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("ask");
  const by = (id) => document.getElementById(id);
  const phrases = []; // { value, label }
  const add = new Set();
  const drop = new Set();

  // ---- the form as one value -------------------------------------------------------------------------------------
  function body(more = {}) {
    const told = {};
    for (const [name, value] of new FormData(form)) (told[name] ??= []).push(value);
    told.phrase = phrases.map((p) => p.value);
    told.add = [...add];
    told.drop = [...drop];
    return { ...told, ...more };
  }

  const graph = by("graph");
  const showGraph = () => parts.show(graph, "/part/graph", body());
  const showSize = parts.later(() => parts.show(by("size-part"), "/part/size", body()), 250);
  const showPlan = parts.later(() => parts.show(by("plan"), "/part/plan", body()), 350);
  const GRAPH = new Set(["hops", "near", "most", "because"]);
  const NOT_SIZE = new Set(["most"]);

  function changed(name) {
    if (GRAPH.has(name)) showGraph();
    if (name === "sentence" || name === "by") showPlan();
    if (!NOT_SIZE.has(name)) showSize();
    for (const id of ["people", "saved"]) parts.clear(by(id));
    remember();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name, type, id } = event.target;
    if (type === "range") {
      form.querySelector(`output[for="${id}"]`).value = id === "near" ? Number(event.target.value).toFixed(2) : event.target.value;
      if (!form.elements.because.value) showGraph(); // the size follows when the slider is let go; a reason is logged
      return;
    }
    if (name === "by") form.querySelector(".sentence").hidden = form.elements.by.value !== "sentence";
    if (name && name !== "because") changed(name);
  });
  form.addEventListener("change", (event) => {
    const { name, type } = event.target;
    if (name === "where_column") offer(event.target);
    if (name && (type === "range" || name === "because")) changed(name);
  });

  // ---- services --------------------------------------------------------------------------------------------------
  function drawChips() {
    by("phrases").replaceChildren(
      ...phrases.map(({ label }, n) => {
        const item = document.createElement("li");
        const remove = document.createElement("button");
        remove.type = "button";
        remove.className = "quiet";
        remove.textContent = "×";
        remove.setAttribute("aria-label", `Remove ${label}`);
        remove.addEventListener("click", () => {
          phrases.splice(n, 1);
          if (!phrases.length) for (const ticks of [add, drop]) ticks.clear();
          services();
          by("phrase").focus();
        });
        item.append(label, " ", remove);
        return item;
      }),
    );
  }
  function services() {
    drawChips();
    by("entity").replaceChildren();
    showGraph();
    changed("phrase");
  }
  function addPhrase(value, label = value) {
    const said = value.trim();
    if (said && !phrases.some((p) => p.value === said)) phrases.push({ value: said, label });
    services();
  }
  function typed() {
    const field = by("phrase");
    if (field.value.trim()) addPhrase(field.value);
    field.value = "";
    by("names").replaceChildren();
  }
  by("add").addEventListener("click", typed);
  by("phrase").addEventListener("keydown", (event) => {
    if (event.key === "Enter") typed();
  });

  // ---- what is ticked --------------------------------------------------------------------------------------------
  function tick(id, on) {
    (on ? drop : add).delete(id);
    (on ? add : drop).add(id);
    showGraph();
    changed("pick");
  }
  const ticked = (id) => graph.querySelector(`[data-pick="${CSS.escape(id)}"]`)?.checked ?? false;

  document.addEventListener("change", (event) => {
    const { pick } = event.target.dataset;
    if (pick) tick(pick, event.target.checked);
  });
  const showEntity = (id) => parts.show(by("entity"), "/part/entity", body({ entity: id }));
  graph.addEventListener("chosen", (event) => {
    tick(event.detail, !ticked(event.detail));
    showEntity(event.detail);
  });

  // ---- buttons in parts ------------------------------------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { phrase, phraseId, mean, instead, show, toggle, relation, why, add: row } = button.dataset;
    if (phrase) addPhrase(phrase);
    else if (phraseId) addPhrase(phraseId, button.closest(".entity").querySelector("h3").firstChild.textContent.trim());
    else if (mean) meant(instead, mean, button.textContent);
    else if (show) await showEntity(show);
    else if (button.dataset.proposed !== undefined) {
      for (const ticks of [add, drop]) ticks.clear();
      showGraph();
      changed("pick");
    } else if (toggle) {
      tick(toggle, !ticked(toggle));
      await showEntity(toggle);
    } else if (relation) {
      const { source, target } = button.dataset;
      await parts.show(button.closest(".entity").querySelector(".answer"), "/part/relation", { verb: relation, source, target });
      showGraph();
      showSize();
    } else if (why) {
      const answer = button.closest("li").querySelector(".answer");
      await parts.show(answer, "/part/why", body({ user: why }));
      answer.tabIndex = -1;
      answer.focus();
      button.hidden = true;
    } else if (row) {
      const added = await addRow(row);
      added?.querySelector("select, input").focus();
      changed(row);
    }
    else if (button.dataset.remove !== undefined) {
      const rows = button.closest("fieldset");
      button.closest(".row").remove();
      rows.querySelector("[data-add]").focus();
      changed("where");
    }
  });
  function meant(said, id, label) {
    const known = phrases.find((p) => p.value === said);
    if (known) Object.assign(known, { value: id, label });
    for (const field of form.querySelectorAll("input[type=text]")) if (field.name.endsWith("_phrase") && field.value.trim() === said) field.value = id;
    services();
    by("phrase").focus();
  }

  // ---- rows of filters -------------------------------------------------------------------------------------------
  let filters = parts.show(by("filters"), "/part/filters", {});
  async function addRow(kind) {
    await filters;
    if (!by(`row-${kind}`)) {
      filters = parts.show(by("filters"), "/part/filters", {}); // it failed: once more
      await filters;
    }
    by("filters").hidden = by("row-where") !== null; // what went wrong is shown
    if (!by(`row-${kind}`)) return null;
    const row = by(`row-${kind}`).content.firstElementChild.cloneNode(true);
    by(kind).append(row);
    const column = row.querySelector("[name=where_column]");
    if (column) offer(column);
    return row;
  }
  function offer(column) {
    const list = [...document.querySelectorAll("datalist[data-column]")].find((l) => l.dataset.column === column.value);
    column.closest(".row").querySelector("[name=where_value]").setAttribute("list", list?.id ?? "");
  }

  // ---- people, saving --------------------------------------------------------------------------------------------
  by("show-people").addEventListener("click", () => parts.show(by("people"), "/part/people", body()));
  by("save").addEventListener("click", async (event) => {
    event.target.disabled = true;
    await parts.show(by("saved"), "/part/save", body({ name: by("name").value, note: by("note").value }));
    event.target.disabled = false;
  });

  // ---- names while one types -------------------------------------------------------------------------------------
  const names = parts.later(async () => {
    const field = document.activeElement;
    if (field?.getAttribute("list") !== "names") return;
    const response = await fetch(`/part/suggest?typed=${encodeURIComponent(field.value)}`, { headers: { "X-Audience-Graph": "1" } });
    if (!response.ok) return;
    const options = (await response.json()).map((value) => Object.assign(document.createElement("option"), { value }));
    by("names").replaceChildren(...options);
  }, 150);
  form.addEventListener("input", names);

  // ---- a page that is loaded again keeps what was asked ------------------------------------------------------------
  const ROWS = { where: ["where_column", "where_operator", "where_value"], having: ["having_phrase", "having_days", "having_channels"],
    without: ["without_phrase", "without_days", "without_channels"], leave_out: ["leave_out"] };
  function remember() {
    sessionStorage.setItem("asked", JSON.stringify({ phrases, body: body({ because: undefined }) }));
  }
  async function recall() {
    let kept;
    try {
      kept = JSON.parse(sessionStorage.getItem("asked"));
    } catch {
      return;
    }
    if (!kept) return;
    phrases.push(...kept.phrases);
    for (const id of kept.body.add ?? []) add.add(id);
    for (const id of kept.body.drop ?? []) drop.add(id);
    for (const [kind, fields] of Object.entries(ROWS))
      for (const n of (kept.body[fields[0]] ?? []).keys()) {
        const row = await addRow(kind);
        if (!row) return;
        for (const name of fields) {
          const field = row.querySelector(`[name=${name}]`);
          const value = kept.body[name][n];
          if (field.matches("select") && ![...field.options].some((o) => o.value === value)) field.add(new Option(value));
          field.value = value;
        }
        const column = row.querySelector("[name=where_column]");
        if (column) offer(column);
      }
    for (const name of ["hops", "near", "most", "by", "sentence", "cut", "size", "width"])
      if (kept.body[name]) form.elements[name].value = kept.body[name][0];
    for (const output of form.querySelectorAll("output")) {
      const field = by(output.htmlFor.value);
      output.value = field.id === "near" ? Number(field.value).toFixed(2) : field.value;
    }
    form.querySelector(".sentence").hidden = form.elements.by.value !== "sentence";
  }

  recall().catch(() => {}).then(() => {
    drawChips();
    showGraph();
    showSize();
    if (form.elements.by.value === "sentence") showPlan();
  });
});
