// The drawn graph: choose by click or Enter, move by arrow keys, zoom by buttons or Ctrl and wheel, pan by dragging.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const graph = document.getElementById("graph");
  let kept = null; // { base, box }: what of the drawing is seen, as long as the drawing is the same size

  const drawing = () => graph.querySelector(".drawing > svg");
  const box = (svg) => svg.getAttribute("viewBox").split(" ").map(Number);
  const at = (node) => [Number(node.dataset.x), Number(node.dataset.y)];

  function see(svg, seen) {
    svg.setAttribute("viewBox", seen.join(" "));
    kept = { base: kept.base, box: seen };
  }
  graph.addEventListener("shown", () => {
    const svg = drawing();
    if (!svg) return;
    const base = svg.getAttribute("viewBox");
    if (kept?.base === base) svg.setAttribute("viewBox", kept.box.join(" "));
    else {
      kept = { base, box: box(svg) };
      see(svg, readable(svg));
    }
  });

  // The whole drawing, or on a small screen as much of it around the service as can be read.
  function readable(svg) {
    const [left, top, wide, high] = kept.base.split(" ").map(Number);
    const { width, height } = svg.getBoundingClientRect();
    const scale = Math.min(width / wide, height / high);
    if (!scale || scale >= 0.75) return [left, top, wide, high];
    return [-width / 2 / 0.75, -height / 2 / 0.75, width / 0.75, height / 0.75];
  }

  function zoom(svg, factor, x = 0.5, y = 0.5) {
    const [left, top, wide, high] = box(svg);
    const whole = kept.base.split(" ").map(Number)[2];
    const next = Math.min(Math.max(wide * factor, whole / 8), whole * 1.5);
    const share = next / wide;
    see(svg, [left + wide * x * (1 - share), top + high * y * (1 - share), next, high * share]);
  }
  graph.addEventListener("click", (event) => {
    const svg = drawing();
    const how = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (how === "fit") see(svg, kept.base.split(" ").map(Number));
    else if (how) zoom(svg, how === "in" ? 0.8 : 1.25);
    const node = event.target.closest("g.node");
    if (node && !moved) choose(node);
  });
  graph.addEventListener(
    "wheel",
    (event) => {
      const svg = event.target.closest("svg[role=group]");
      if (!svg || !event.ctrlKey) return;
      event.preventDefault();
      const { left, top, width, height } = svg.getBoundingClientRect();
      zoom(svg, event.deltaY > 0 ? 1.1 : 0.9, (event.clientX - left) / width, (event.clientY - top) / height);
    },
    { passive: false },
  );

  // Drag to pan; a drag is no click.
  let from = null;
  let moved = false;
  graph.addEventListener("pointerdown", (event) => {
    const svg = event.target.closest("svg[role=group]");
    if (!svg) return;
    from = { x: event.clientX, y: event.clientY, box: box(svg), scale: box(svg)[2] / svg.getBoundingClientRect().width };
    moved = false;
  });
  window.addEventListener("pointermove", (event) => {
    const svg = drawing();
    if (!from || !svg) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    if (Math.hypot(x, y) > 4) moved = true;
    if (moved) see(svg, [from.box[0] - x * from.scale, from.box[1] - y * from.scale, from.box[2], from.box[3]]);
  });
  for (const end of ["pointerup", "pointercancel"])
    window.addEventListener(end, () => {
      from = null;
    });

  function choose(node) {
    graph.dispatchEvent(new CustomEvent("chosen", { detail: node.dataset.entity }));
  }
  const WAYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  graph.addEventListener("keydown", (event) => {
    const node = event.target.closest("g.node");
    if (!node) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(node);
    } else if (WAYS[event.key]) {
      event.preventDefault();
      const next = nearest(node, WAYS[event.key]);
      if (next) go(node, next);
    }
  });
  // The nearest node in a direction: those off the line count as further away.
  function nearest(node, [dx, dy]) {
    const [x, y] = at(node);
    let best = null;
    let least = Infinity;
    for (const other of graph.querySelectorAll("g.node")) {
      const [ox, oy] = at(other);
      const along = (ox - x) * dx + (oy - y) * dy;
      const aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
      if (other !== node && along > 1 && along + 2 * aside < least) [best, least] = [other, along + 2 * aside];
    }
    return best;
  }
  function go(node, next) {
    node.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
});
