/**
 * The style of the page: system fonts, light and dark, from 360 pixels to a sheet of paper. Severity is always a word, the
 * colour comes on top; every pair of colours has a contrast of 4.5 to 1 or more.
 */

export const STYLESHEET = String.raw`
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --sunk: #eef0f3; --ink: #1a1f26; --soft: #535d69; --line: #d5dae1;
  --link: #0a4fb8; --focus: #0a4fb8;
  --critical: #a3123a; --on-critical: #ffffff; --high: #ad3f06; --on-high: #ffffff;
  --medium: #fbe6a8; --on-medium: #5c4200; --low: #d9eafa; --on-low: #0e4573; --info: #e4e7eb; --on-info: #434c57;
  --bad: #a3123a; --bad-wash: #fcecf0; --warn: #6b4a00; --warn-wash: #fdf3d6; --good: #12633a; --good-wash: #e4f5ea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1217; --card: #171c23; --sunk: #10151b; --ink: #e7ebf0; --soft: #a4afbb; --line: #303945;
    --link: #8fb9ff; --focus: #8fb9ff;
    --critical: #ff93ab; --on-critical: #3d0313; --high: #ffab6b; --on-high: #381600;
    --medium: #4b3a00; --on-medium: #ffe08f; --low: #12365a; --on-low: #b3d8ff; --info: #2c343e; --on-info: #c6ced7;
    --bad: #ff93ab; --bad-wash: #331019; --warn: #ffd978; --warn-wash: #2e2504; --good: #7fdca6; --good-wash: #0c2a19;
  }
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 clamp(0.75rem, 3vw, 2.5rem) 3rem; max-width: 76rem; overflow-wrap: anywhere;
  background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1, h2, h3, h4, h5 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: clamp(1.5rem, 1.1rem + 1.9vw, 2.3rem); font-weight: 700; letter-spacing: -0.015em; }
.headline { font-size: clamp(1.25rem, 1.1rem + 0.9vw, 1.6rem); font-weight: 700; line-height: 1.25; letter-spacing: -0.01em; margin: 0; }
h2 { font-size: 1.4rem; margin: 3rem 0 1rem; letter-spacing: -0.01em; }
.target > h2 { font-size: 1.7rem; border-top: 2px solid var(--line); padding-top: 2rem; margin-top: 4rem; }
section.target h3 { margin: 2.25rem 0 0.9rem; font-size: 1.25rem; }
.body h4, .body h3, .body h5, section.target .body h4, section.target .body h5 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
.quiet { margin-top: 1.5rem; }
.quiet > summary { font-size: 1.0625rem; margin-bottom: 0.5rem; }
p { margin: 0 0 0.75rem; }
a { color: var(--link); text-underline-offset: 0.15em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.875em; }
code { unicode-bidi: isolate; }
ul, ol { margin: 0 0 0.75rem; padding-left: 1.4rem; }
.soft, .sub, .outline, .rest { color: var(--soft); }
.count { color: var(--soft); font-size: 0.875rem; font-weight: 400; letter-spacing: 0; white-space: nowrap; margin-left: 0.4rem; }
.sr { position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 0.5rem; top: -4rem; padding: 0.5rem 1rem; background: var(--card); border-radius: 6px; z-index: 9; }
.skip:focus { top: 0.5rem; }

header { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; align-items: baseline; padding: 1.1rem 0 0.9rem; }
header p { margin: 0; }
.brand { font-weight: 700; letter-spacing: -0.01em; }
.outline { font-size: 0.875rem; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.875rem; }

.tools {
  display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1.25rem; margin: 1.25rem 0; padding: 0.6rem 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
}
.find { flex: 1 1 16rem; display: flex; align-items: center; gap: 0.6rem; }
.find label, legend { font-size: 0.875rem; color: var(--soft); white-space: nowrap; }
input[type="search"] { width: 100%; min-width: 0; font: inherit; padding: 0.4rem 0.65rem; border: 1px solid var(--soft); border-radius: 6px; background: var(--page); color: var(--ink); }
input::placeholder { color: var(--soft); opacity: 1; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; display: flex; flex-wrap: wrap; gap: 0 0.9rem; }
legend { padding: 0; float: left; margin: 0.35rem 0.9rem 0 0; }
fieldset label { display: inline-flex; align-items: center; gap: 0.35rem; min-height: 2rem; }
input[type="checkbox"] { width: 1.05rem; height: 1.05rem; margin: 0; accent-color: var(--link); }
button { font: inherit; font-size: 0.875rem; min-height: 2rem; padding: 0.25rem 0.8rem; border: 1px solid var(--soft); border-radius: 6px; background: var(--card); color: var(--ink); cursor: pointer; }
button:hover { border-color: var(--link); color: var(--link); }
#matches { flex-basis: 100%; margin: 0; font-size: 0.875rem; color: var(--soft); }
#matches:empty { display: none; }

.verdict { background: var(--card); border: 1px solid var(--line); border-left: 8px solid; border-radius: 12px; padding: clamp(1.1rem, 3vw, 2rem); margin-bottom: 1.25rem; }
.verdict > :last-child { margin-bottom: 0; }
.verdict.bad { border-left-color: var(--bad); }
.verdict.warn { border-left-color: var(--warn); }
.verdict.good { border-left-color: var(--good); }
.verdict .label { display: inline-block; font-size: 0.8125rem; font-weight: 700; padding: 0.1rem 0.6rem; border-radius: 99px; margin-bottom: 0.7rem; }
.bad > .label { background: var(--bad-wash); color: var(--bad); }
.warn > .label { background: var(--warn-wash); color: var(--warn); }
.good > .label { background: var(--good-wash); color: var(--good); }
.verdict h1 + p, .headline + p { font-size: 1.0625rem; margin-top: 0.4rem; color: var(--soft); }
.verdict .minor, section.target .minor { font-size: 0.9375rem; margin: 1.4rem 0 0.35rem; letter-spacing: 0; }
.who { list-style: none; padding: 0; margin: 0; }
.who li { margin-bottom: 0.25rem; }

.tiles { list-style: none; display: grid; grid-template-columns: repeat(auto-fit, minmax(7.2rem, 1fr)); gap: 0.6rem; padding: 0; margin: 0 0 1.25rem; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 0.65rem 0.8rem 0.75rem; font-size: 0.8125rem; overflow-wrap: normal; }
.tiles .n { display: block; font-size: 1.6rem; font-weight: 700; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles .zero .n { color: var(--soft); font-weight: 400; }
.contents ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.1rem 1.4rem; padding: 0; margin: 0; }
.contents a { display: inline-block; padding: 0.25rem 0; }

.callout { padding: 0.65rem 0.95rem; border-left: 4px solid; border-radius: 6px; margin: 0 0 1.25rem; }
.callout.bad { background: var(--bad-wash); border-color: var(--bad); }
.callout.warn { background: var(--warn-wash); border-color: var(--warn); }
.callout.calm { background: var(--sunk); border-color: var(--soft); }
.body .callout { margin-bottom: 0.9rem; }

.badge { display: inline-block; padding-block: 0.05rem; padding-inline: 0.55rem; border-radius: 5px; font-size: 0.8125rem; font-weight: 650; line-height: 1.5; white-space: nowrap; background: var(--info); color: var(--on-info); }
.badge.critical { background: var(--critical); color: var(--on-critical); }
.badge.high { background: var(--high); color: var(--on-high); }
.badge.medium { background: var(--medium); color: var(--on-medium); }
.badge.low { background: var(--low); color: var(--on-low); }
.trust { font-size: 0.875rem; font-weight: 600; }
.trust.bad { color: var(--bad); }
.trust.warn { color: var(--warn); }
.trust.good { color: var(--good); }
.trust.calm { color: var(--soft); font-weight: 400; }

.card { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--line); border-radius: 10px; margin-bottom: 0.7rem; overflow: clip; }
.card.critical { border-left-color: var(--critical); }
.card.high { border-left-color: var(--high); }
.card.medium { border-left-color: var(--on-medium); }
.card.low { border-left-color: var(--on-low); }
summary { cursor: pointer; }
.card > summary { display: grid; grid-template-columns: 1.1rem minmax(6rem, auto) minmax(0, 1fr) auto; gap: 0.1rem 0.8rem; align-items: baseline; padding: 0.8rem 1.1rem; list-style: none; }
.card > summary::-webkit-details-marker { display: none; }
.card > summary::before { content: ""; width: 0.5rem; height: 0.5rem; border: solid var(--soft); border-width: 0 2px 2px 0; transform: rotate(-45deg); align-self: center; grid-row: 1; }
.card[open] > summary::before { transform: rotate(45deg); }
.card > summary:hover { background: var(--sunk); }
.card > summary:focus-visible { outline-offset: -3px; }
.card > summary > .badge { grid-column: 2; justify-self: start; }
.card > summary > h3, .card > summary > h4, section.target .card > summary > h4 { grid-column: 3; font-size: 1.0625rem; margin: 0; text-wrap: wrap; }
.card > summary > .sub { grid-column: 3; font-size: 0.875rem; grid-row: 2; }
.card > summary > .trust { grid-column: 4; text-align: right; }
.body { padding: 0.2rem 1.35rem 1.35rem; border-top: 1px solid var(--line); scroll-margin-top: 7rem; }
.body > :first-child { margin-top: 1rem; }
.story { font-size: 1.0625rem; max-width: 46rem; }
.facts { display: grid; gap: 0.25rem 0; margin: 1rem 0; font-size: 0.9375rem; }
.facts > div { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 1rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
.steps { list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 0 1.1rem; }
.places, .origins, .problems { list-style: none; padding: 0; margin: 0; }
.places > li { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 1rem; padding: 0.45rem 0; border-top: 1px solid var(--line); }
.places > li:first-child { border-top: 0; }
.places .soft, .origins .soft { font-size: 0.875rem; }
.origins > li, .problems > li { padding: 0.45rem 0; border-top: 1px solid var(--line); }
.removal { margin-top: 1.5rem; }
.note { max-width: 46rem; }
.commands { padding: 0; margin: 0.5rem 0; list-style: none; counter-reset: command; }
.commands > li { display: grid; grid-template-columns: 1.4rem minmax(0, 1fr) auto; gap: 0 0.5rem; align-items: start; margin-bottom: 0.4rem; counter-increment: command; position: relative; }
.commands > li::before { content: counter(command); color: var(--soft); font-size: 0.875rem; padding-top: 0.6rem; }
.commands pre { margin: 0; padding: 0.6rem 0.8rem; background: var(--sunk); border: 1px solid var(--line); border-radius: 7px; white-space: pre-wrap; overflow-wrap: anywhere; }
.commands > li > p { grid-column: 2; }
.commands .copy { min-height: 2.4rem; }
.facts .copy { min-height: 1.6rem; padding: 0 0.5rem; margin-left: 0.6rem; font-size: 0.8125rem; }
.undo > summary, .plain > summary, .quiet > summary { color: var(--link); padding: 0.3rem 0; width: fit-content; }
.links { padding-left: 1.2rem; }
.layers > li { margin-bottom: 0.5rem; }

.scroll { position: relative; overflow: auto; width: fit-content; max-width: 100%; max-height: min(44rem, 85vh); border: 1px solid var(--line); border-radius: 10px; background: var(--card); margin-bottom: 0.75rem; }
.grid { border-collapse: separate; border-spacing: 0; font-size: 0.875rem; min-width: 100%; }
.grid th, .grid td { padding: 0.45rem 0.7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); background: var(--card); position: relative; overflow-wrap: normal; }
.grid tbody tr:last-child > * { border-bottom: 0; }
.grid thead th { position: sticky; top: 0; z-index: 2; background: var(--sunk); font-weight: 600; vertical-align: bottom; }
.grid tbody th { font-weight: 400; min-width: 11rem; max-width: 24rem; overflow-wrap: anywhere; }
.grid thead th:first-child { z-index: 3; left: 0; }
.matrix tbody th, .programmes tbody th, .matrix thead th:first-child, .programmes thead th:first-child { position: sticky; left: 0; z-index: 1; border-right: 1px solid var(--line); }
.matrix thead th:first-child, .programmes thead th:first-child { z-index: 3; }
.matrix code { color: var(--soft); font-size: 0.8125rem; }
.matrix thead th { padding: 0.6rem 0.35rem; }
.matrix thead th:first-child { padding-left: 0.7rem; }
.matrix { min-width: 0; }
.matrix tbody th { min-width: 21rem; max-width: 23rem; vertical-align: middle; }
.matrix tbody th > * { display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.upright { writing-mode: vertical-rl; transform: rotate(180deg); display: inline-block; max-height: 16rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 500; line-height: 1.3; padding: 0.2rem 0; }
.upright a { margin-block: 0.5rem; text-decoration: none; }
.upright a:hover { text-decoration: underline; }
.matrix td { text-align: center; vertical-align: middle; min-width: 2.4rem; border-left: 1px solid var(--line); }
.matrix .trusted, .legend .trusted > :first-child { color: var(--bad); }
.matrix .trusted { background: var(--bad-wash); }
.matrix .embedded, .legend .embedded > :first-child { color: var(--warn); }
.programmes td { white-space: nowrap; }
.programmes .trusted { color: var(--bad); font-weight: 600; }
.programmes .ships { color: var(--warn); font-weight: 600; }
.programmes .partial, .none { color: var(--soft); }
.number { text-align: right !important; font-variant-numeric: tabular-nums; }
td.malformed, td.unreadable { color: var(--warn); font-weight: 600; }
.tally { white-space: nowrap; margin-right: 0.5rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.15rem 1.3rem; padding: 0; margin: 0 0 0.75rem; font-size: 0.875rem; }

.timeline { list-style: none; padding: 0; margin: 0; }
.timeline > li { display: grid; grid-template-columns: 17rem minmax(0, 1fr); gap: 0.1rem 1.25rem; padding: 0.6rem 0; border-top: 1px solid var(--line); }
.timeline .what { grid-row: span 2; }
.timeline .steps { font-size: 0.8125rem; color: var(--soft); }
svg { display: block; overflow: visible; }
.axis { margin-left: 18.25rem; width: calc(100% - 18.25rem); }
.axis text { font-size: 12px; fill: var(--soft); }
.axis line { stroke: var(--line); }
.bar .track { fill: var(--line); }
.bar .valid { fill: var(--low); stroke: var(--on-low); stroke-width: 0.5; }
.bar .late { fill: var(--soft); opacity: 0.6; }
.bar .late.critical, .bar .late.high { fill: var(--bad); }
.bar .late.medium { fill: var(--warn); }
.bar .now { stroke: var(--soft); stroke-dasharray: 2 2; }
.bar circle { stroke: var(--card); stroke-width: 1.5; fill: var(--ink); }
.bar circle.partial { fill: var(--card); stroke: var(--ink); stroke-width: 2; r: 4px; }
.key { display: inline-block; width: 1.4rem; height: 0.6rem; border-radius: 2px; vertical-align: baseline; }
.key.valid { background: var(--low); border: 1px solid var(--on-low); }
.key.late { background: var(--bad); opacity: 0.6; }
.key.gone, .key.partial { width: 0.65rem; height: 0.65rem; border-radius: 50%; background: var(--ink); }
.key.partial { background: none; border: 2px solid var(--ink); }

@media (min-width: 60rem) and (min-height: 40rem) {
  .tools { position: sticky; top: 0; border-radius: 0 0 10px 10px; z-index: 5; box-shadow: 0 4px 16px rgb(0 0 0 / 0.08); }
  html { scroll-padding-top: 5rem; }
}
@media screen and (max-width: 44rem) {
  .card > summary { grid-template-columns: 1rem auto minmax(0, 1fr); padding: 0.8rem 0.85rem; gap: 0.3rem 0.6rem; }
  .card > summary > .badge { grid-row: 1; }
  .card > summary > .trust { grid-column: 3; grid-row: 1; }
  .card > summary > h3, .card > summary > h4, section.target .card > summary > h4, .card > summary > .sub { grid-column: 1 / -1; grid-row: auto; }
  .body { padding: 0.1rem 0.9rem 1rem; }
  .facts > div, .places > li { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts > div { margin-bottom: 0.35rem; }
  .facts dt { font-size: 0.8125rem; }
  .timeline > li { grid-template-columns: minmax(0, 1fr); }
  .axis { margin-left: 0; width: 100%; }
  .grid tbody th { min-width: 8.5rem; max-width: 11rem; }
  .matrix tbody th, .programmes tbody th { min-width: 8.5rem; max-width: 9rem; }
  .matrix tbody th { font-size: 0.8125rem; }
  .matrix tbody th > * { white-space: normal; }
  .commands > li { grid-template-columns: 1.1rem minmax(0, 1fr); }
  .commands .copy { grid-column: 2; justify-self: end; margin-top: 0.25rem; min-height: 2rem; }
  .programmes td { white-space: normal; min-width: 7.5rem; }
  .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.5rem; }
  .tiles li { padding: 0.5rem 0.6rem 0.6rem; font-size: 0.8125rem; overflow-wrap: normal; }
}
@media (prefers-contrast: more) {
  :root { --line: var(--soft); }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --card: #fff; --sunk: #fff; --ink: #000; --soft: #444; --line: #bbb; --link: #000;
    --critical: #a3123a; --on-critical: #fff; --high: #ad3f06; --on-high: #fff;
    --medium: #fbe6a8; --on-medium: #5c4200; --low: #d9eafa; --on-low: #0e4573; --info: #e4e7eb; --on-info: #434c57;
    --bad: #a3123a; --bad-wash: #fff; --warn: #6b4a00; --warn-wash: #fff; --good: #12633a; --good-wash: #fff;
  }
  @page { margin: 16mm 14mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .tools, .contents, .copy, .skip, .card > summary::before { display: none !important; }
  .badge, .key, .bar, .matrix td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible !important; block-size: auto !important; }
  .scroll { overflow: visible; max-height: none; border: 0; }
  .grid { font-size: 7.5pt; }
  .grid th, .grid td { position: static !important; padding: 0.2rem 0.35rem; min-width: 0 !important; }
  .matrix tbody th { max-width: 12rem; }
  .matrix tbody th > * { white-space: normal; }
  .upright { max-height: 11rem; }
  .card > summary { grid-template-columns: 0 minmax(5rem, auto) minmax(0, 1fr) auto; }
  .timeline > li { grid-template-columns: 11rem minmax(0, 1fr); }
  .axis { margin-left: 12.25rem; width: calc(100% - 12.25rem); }
  .programmes td { white-space: normal; }
  h2, h3, h4, h5, summary { break-after: avoid; }
  .verdict, .places > li, .commands > li, .timeline > li, tr { break-inside: avoid; }
  a { text-decoration: none; }
}
`;
