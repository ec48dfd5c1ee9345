"""The console in a real browser on a demo world: until the page is there, and from a slider to the drawn graph.

    audience-graph demo --size medium --data-dir FOLDER
    python tests/bench/bench_console.py --data-dir FOLDER

Times are taken in the page: from navigation to the painted empty page, and from the slider's event to the first frame
after the part was swapped. Sliders of depth, threshold and how many are drawn are moved in random order over services
that are drawn at random. Bars: page 1 s, slider 300 ms at the 95th percentile.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from chromium import FLAGS, find_chromium

from audience_graph.client import AudienceGraph

MOVED = """([name, value]) => new Promise((done) => {
  const start = performance.now();
  const graph = document.getElementById("graph");
  graph.addEventListener("shown", () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))),
    { once: true });
  const slider = document.getElementById(name);
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""
FIRST = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
VALUES = {"hops": ("1", "2", "3", "4"), "near": tuple(f"{n / 20:.2f}" for n in range(1, 19)), "most": ("20", "40", "80", "150")}  # fmt: skip # noqa: E501


def measure(page: Page, url: str, services: list[str], moves: int, rng: np.random.Generator) -> dict[str, list[float]]:
    """Return milliseconds by what was measured."""
    found: dict[str, list[float]] = defaultdict(list)
    page.goto(url)
    home = re.sub(r"\?.*", "", url)
    for service in services:
        page.evaluate("sessionStorage.clear()")
        page.goto(home)
        page.wait_for_selector("#graph .choices button")
        found["page"].append(page.evaluate(FIRST))
        found["page with its parts"].append(page.evaluate("performance.now()"))
        page.fill("#phrase", service)
        page.keyboard.press("Enter")
        page.wait_for_selector(".drawing, #graph .error")
        if page.locator("#graph .error").count():
            continue
        page.wait_for_selector("[aria-busy]", state="detached")
        for name in rng.permutation([*VALUES] * moves):
            was = page.locator(f"#{name}").input_value()
            value = str(rng.choice([v for v in VALUES[name] if float(v) != float(was)]))
            found[name].append(page.evaluate(MOVED, [name, value]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True, help="data folder of a demo world, its servers up")
    parser.add_argument("--services", type=int, default=15)
    parser.add_argument("--moves", type=int, default=6, help="moves of each slider for each service")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    with AudienceGraph.connect(asked.data_dir) as ag:
        rows = ag.query("most_met", type="service", limit=200).rows()
        services = [str(s) for s in rng.permutation([row["name"] for row in rows])[: asked.services]]
    words = [
        sys.executable,
        "-m",
        "audience_graph.cli",
        "console",
        "--no-open",
        "--port",
        "0",
        "--data-dir",
        asked.data_dir,
    ]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as running, sync_playwright() as playwright:
        assert running.stderr is not None
        url = next(line.strip() for line in running.stderr if "token=" in line)
        program = find_chromium(playwright)
        if program is None:
            sys.exit("no Chromium is installed")
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        found = measure(browser.new_page(viewport={"width": 1280, "height": 900}), url, services, asked.moves, rng)
        browser.close()
        running.terminate()
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, seed {asked.seed}, {len(services)} services")
    print("what | n | p50 ms | p95 ms | max ms")
    for name, times in {**found, "all sliders": [t for n in VALUES for t in found[n]]}.items():
        p50, p95 = np.percentile(times, [50, 95])
        print(f"{name} | {len(times)} | {p50:.0f} | {p95:.0f} | {max(times):.0f}")


if __name__ == "__main__":
    main()
