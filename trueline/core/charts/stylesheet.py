"""Stylesheet: how the page looks on a phone, a screen and paper, in light and dark mode."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1f2328; --soft: #59616b; --rule: #dcd9d3; --faint: #efede8;
  --model: #0b5cad; --market: #a8470a; --other: #59616b; --up: #0b5cad; --down: #a8470a;
  --ok: #17683a; --warning: #855300; --failed: #b3201c; --declined: #59616b; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171a; --card: #1b1f23; --ink: #e8e6e1; --soft: #a5adb6; --rule: #363c43; --faint: #23282d;
  --model: #79b8ff; --market: #f2a36b; --other: #a5adb6; --up: #79b8ff; --down: #f2a36b;
  --ok: #6fcf97; --warning: #f0c050; --failed: #ff8f88; --declined: #a5adb6; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main, footer { max-width: 69rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.75rem; }
h1, h2, h3 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: 1.65rem; display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .75rem; }
h2 { font-size: 1.2rem; margin-bottom: .6rem; }
h3 { font-size: 1rem; }
p { margin: .4rem 0; max-width: 46rem; }
section { border-top: 1px solid var(--rule); padding-top: 1.1rem; margin-top: 1.75rem; }
.verdict { font-size: 1.1rem; margin: .6rem 0 0; }
.soft, figcaption, caption, dt { color: var(--soft); font-size: .875rem; }
nav { margin-top: .9rem; font-size: .9rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .15rem 1rem; padding: 0; margin: 0; }
nav a { display: inline-block; padding: .3rem 0; }
a { color: var(--model); }
:focus-visible { outline: 2px solid var(--model); outline-offset: 2px; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem; font-size: .8rem;
  font-weight: 600; line-height: 1.5rem; white-space: nowrap; }
.ok { color: var(--ok); } .warning { color: var(--warning); } .failed { color: var(--failed); }
.declined { color: var(--declined); }
.glance { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9.5rem), 1fr)); gap: .75rem 1.25rem;
  margin: 1.1rem 0 0; }
.glance dd { margin: 0; font-size: 1.2rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.glance small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; max-width: 27rem; min-width: 0; break-inside: avoid; }
svg:not(.plot) { display: block; width: 100%; height: auto; margin: .4rem 0; }
svg text { font-size: 11.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg text { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
svg[role=img] { overflow: visible; } svg[tabindex] { touch-action: pan-y; }
details + h3, figure + h3 { margin-top: 1.25rem; }
svg .said { fill: var(--ink); } svg .strong { fill: var(--ink); font-weight: 700; }
.grid { stroke: var(--rule); stroke-width: 1; } .mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 9 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.plot > * { vector-effect: non-scaling-stroke; }
.line.dot { stroke-width: 4.5; stroke-dasharray: none; } .line.newest { stroke-width: 7; }
.cursor { stroke: var(--ink); stroke-width: 1; } .current .whisker { stroke-width: 3.5; }
.current circle { stroke: var(--ink); stroke-width: 2; } .current rect { stroke: var(--ink); stroke-width: 1.5; }
.with-tooltip { position: relative; }
.tooltip { position: absolute; z-index: 1; transform: translate(-50%, calc(-100% - .35rem)); width: max-content;
  max-width: min(100%, 20rem); padding: .3rem .55rem; border-radius: .3rem; background: var(--ink); color: var(--paper);
  font-size: .8125rem; line-height: 1.35; pointer-events: none; }
.tooltip[hidden] { display: none; }
.range { border: 0; margin: .6rem 0; padding: 0; font-size: .875rem; }
.range:not([hidden]) { display: flex; flex-wrap: wrap; gap: .1rem 1rem; align-items: center; }
.range legend { float: left; padding: 0 .4rem 0 0; color: var(--soft); }
.range label { display: inline-flex; gap: .4rem; align-items: center; min-height: 2rem; cursor: pointer;
  color: var(--ink); font-size: inherit; }
.range input { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--model); }
.whisker { stroke-width: 2; stroke-linecap: round; }
.s-model { stroke: var(--model); } .s-market { stroke: var(--market); stroke-dasharray: 7 3; }
.s-other { stroke: var(--other); stroke-dasharray: 0 4.5; }
.f-model { fill: var(--model); } .f-market { fill: var(--market); } .f-other { fill: var(--other); }
.w-model { stroke: var(--model); } .w-other { stroke: var(--other); }
.band { fill: var(--model); opacity: .16; } .zone { fill: var(--ink); }
.up { fill: var(--up); opacity: .5; } .down { fill: var(--down); opacity: .5; }
.key { display: flex; flex-wrap: wrap; gap: .1rem 1rem; list-style: none; margin: .25rem 0 0; padding: 0;
  font-size: .875rem; color: var(--soft); }
.key svg { display: inline-block; width: 28px; height: 8px; margin: 0 .4rem .1rem 0; }
li { margin: .25rem 0; }
details { border-bottom: 1px solid var(--rule); }
summary { cursor: pointer; padding: .55rem 0; }
.folded { padding: 0 0 .8rem; }
.checks { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--rule); }
.scroll { overflow-x: auto; max-width: 100%; margin: .6rem 0; border: 1px solid var(--rule); border-radius: .3rem;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .875rem; overflow-wrap: normal; }
caption { text-align: left; padding: .45rem .6rem; }
th, td { text-align: left; padding: .35rem .6rem; border-top: 1px solid var(--rule); vertical-align: top;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
td.long, th.long { white-space: normal; min-width: 14rem; }
thead th { color: var(--soft); font-weight: 600; }
th:first-child { position: sticky; left: 0; background: var(--card); }
@media (max-width: 40rem) {
  .stacked, .stacked tbody, .stacked tr, .stacked caption { display: block; }
  .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stacked tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); padding: .35rem .6rem;
    border-top: 1px solid var(--rule); gap: .1rem .8rem; }
  .stacked tbody th, .stacked tbody td { border: 0; padding: .1rem 0; white-space: normal; min-width: 0;
    overflow-wrap: anywhere; position: static; }
  .stacked tbody th, .stacked td.long { grid-column: 1 / -1; }
  .stacked td[data-label]::before { content: attr(data-label); display: block; color: var(--soft); font-size: .75rem; }
}
.facts { display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr); gap: .15rem 1rem; margin: .3rem 0;
  font-size: .875rem; }
.facts dt, .facts dd { margin: 0; min-width: 0; }
.facts dd:has(.facts, .scroll) { grid-column: 1 / -1; padding-left: .9rem; }
.facts .scroll { margin: .2rem 0; }
footer { padding: 1.5rem 1rem 2.5rem; color: var(--soft); font-size: .875rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: .5rem 1.5rem; }
.panels h4 { margin: .4rem 0 0; font-size: .875rem; }
.figures figure.broad { max-width: 46rem; grid-column: 1 / -1; column-span: all; }
.heat { fill: var(--model); } .frame { fill: none; stroke: var(--rule); }
svg text.heat-text { font-size: 9px; stroke: none; fill: var(--ink); }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --rule: #bbb; --faint: #f2f2f2;
    --model: #0b5cad; --market: #a8470a; --other: #444; --up: #0b5cad; --down: #a8470a;
    --ok: #17683a; --warning: #855300; --failed: #b3201c; --declined: #444; }
  body { font-size: 10pt; } nav, .range:not([hidden]) { display: none; } .scroll { overflow: visible; border: 0; }
  th, td { white-space: normal; } h2, h3, summary { break-after: avoid; } tr { break-inside: avoid; }
  svg, .badge { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
@media print { #declined > details::details-content { content-visibility: visible; height: auto; } }
"""
