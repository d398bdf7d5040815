"""What a page looks like, and the little that it does: sorting tables, and reading curves under the pointer."""

STYLE = """
:root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --back: #ffffff; --card: #f6f8fa;
  --good: #116329; --bad: #a40e26; --warn: #7d4e00;
  --c0: #0550ae; --c1: #57606a; --c2: #8250df; --c3: #953800; --c4: #116329; --c5: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9ea7b3; --line: #30363d; --back: #0d1117;
  --card: #161b22; --good: #56d364; --bad: #ff7b72; --warn: #e3b341;
  --c0: #79c0ff; --c1: #9ea7b3; --c2: #d2a8ff; --c3: #ffa657; --c4: #56d364; --c5: #ff7b72; } }
* { box-sizing: border-box; }
.quorate { color: var(--ink); background: var(--back); font: 16px/1.5 system-ui, sans-serif; }
body.quorate { margin: 0 auto; max-width: 72rem; padding: 1rem 1.25rem 4rem; }
.quorate h1 { font-size: 1.75rem; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
.quorate h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; padding-top: .5rem; border-top: 1px solid var(--line); }
.quorate h2 small { color: var(--soft); font-weight: normal; }
.quorate .sentence, .quorate figcaption, .quorate caption { color: var(--soft); text-align: left; }
.quorate nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0; font-size: .9rem; }
.quorate a { color: var(--c0); }
.quorate .wide { overflow-x: auto; margin: .75rem 0; }
.quorate table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
.quorate th, .quorate td { padding: .3rem .6rem; text-align: right; vertical-align: top; }
.quorate thead th { border-bottom: 1px solid var(--line); white-space: nowrap; }
.quorate tbody + tbody tr:first-child > * { border-top: 1px solid var(--line); }
.quorate .left { text-align: left; font-weight: normal; }
.quorate th.left { font-weight: 600; } .quorate .sortable th[scope=row] { font-weight: normal; }
.quorate .sortable th[scope=row].warn, .quorate .sortable th[scope=row].good,
.quorate .sortable th[scope=row].bad { font-weight: 600; }
.quorate .wide:focus-visible { outline: 2px solid var(--c0); }
.quorate td.num { white-space: nowrap; }
.quorate th button { all: unset; cursor: pointer; }
.quorate th button:focus-visible { outline: 2px solid var(--c0); }
.quorate th[aria-sort=ascending] button::after { content: " \\2191"; }
.quorate th[aria-sort=descending] button::after { content: " \\2193"; }
.quorate .good { color: var(--good); font-weight: 600; } .quorate .bad { color: var(--bad); font-weight: 600; }
.quorate .warn { color: var(--warn); font-weight: 600; } .quorate .faint { color: var(--soft); }
.quorate .strong { font-weight: 700; }
.quorate p.warn { font-weight: normal; }
.quorate dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; }
.quorate dt { color: var(--soft); } .quorate dd { margin: 0; overflow-wrap: anywhere; }
.quorate figure { margin: 1rem 0; }
.quorate .points { max-width: 30rem; }
.quorate svg { width: 100%; height: auto; background: var(--card); border-radius: 6px; }
.quorate svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.quorate svg .grid { stroke: var(--line); stroke-width: 1; }
.quorate svg .curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.quorate svg .area { opacity: .18; stroke: none; }
.quorate svg .mark { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 3; }
.quorate svg .hair { stroke: var(--soft); stroke-width: 1; visibility: hidden; }
.quorate .key { display: inline-block; width: 1.5em; border-top: 3px solid; vertical-align: middle; }
.quorate output { display: block; min-height: 1.5em; font-size: .875rem; font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) { .quorate dl { grid-template-columns: 1fr; } .quorate svg { min-width: 40rem; }
  .quorate dt { margin-top: .4rem; } .quorate .wide .left { min-width: 6.5rem; } }
@media print { .quorate nav, .quorate output { display: none; } .quorate section { break-inside: avoid; } }
"""

SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((head, place) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const worth = (row) => row.cells[place].dataset.v;
      const order = (a, b) => {
        const [x, y] = [worth(a), worth(b)];
        if (x === undefined || y === undefined) {
          if (x !== y) return x === undefined ? 1 : -1;
          return a.cells[place].textContent.localeCompare(b.cells[place].textContent) * (up ? 1 : -1);
        }
        return (Number(x) - Number(y)) * (up ? 1 : -1);
      };
      for (const body of table.tBodies) body.append(...[...body.rows].sort(order));
    });
  });
}
for (const figure of document.querySelectorAll("figure.lines")) {
  const svg = figure.querySelector("svg"), hair = svg.querySelector(".hair"), told = figure.querySelector("output");
  const data = JSON.parse(figure.querySelector("script").textContent);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.width;
    let near = 0;
    data.x.forEach((at, i) => { if (Math.abs(at - x) < Math.abs(data.x[near] - x)) near = i; });
    hair.setAttribute("x1", data.x[near]);
    hair.setAttribute("x2", data.x[near]);
    hair.style.visibility = "visible";
    told.textContent = data.day[near] + "  " + Object.entries(data.told).map(([n, t]) => n + " " + t[near]).join("  ");
  });
}
"""
