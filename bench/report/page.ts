import type { Section } from '../outcome.ts'
import { html, raw } from './html.ts'
import type { Html } from './html.ts'
import { plot } from './plots.ts'
import { ratiosOf } from './ratios.ts'
import type { BenchmarkReport, Report } from './report.ts'
import { style } from './style.ts'
import { tableOf } from './tables.ts'

/** One page that needs nothing besides: plots, tables, and all figures as JSON. */
export async function renderPage(report: Report): Promise<string> {
  const benchmarks: Html[] = []
  for (const benchmark of report.benchmarks) benchmarks.push(await renderBenchmark(benchmark))
  const facts = { ...report.machine, commit: report.commit, command: report.command, date: report.startedAt }
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Benchmarks of Biwa, ${report.commit}</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <h1>Benchmarks of Biwa</h1>
        <dl>
          ${Object.entries(facts).map(
            ([name, fact]) =>
              html`<dt>${name}</dt>
                <dd>${fact}</dd>`,
          )}
        </dl>
        <p>
          Each benchmark is measured beside a yardstick from the same run. Machines are noisy, so the ratios count, and
          stand first; then come the figures they are of.
        </p>
        <nav>
          ${report.benchmarks.map(({ name, summary }) => html`<a href="#${name}"><b>${name}</b> ${summary}</a>`)}
        </nav>
        ${benchmarks}
        <script type="application/json" id="report">
          ${raw(JSON.stringify(report).replaceAll('<', String.raw`\u003c`))}
        </script>
      </body>
    </html>`
  return page.text
}

async function renderBenchmark(benchmark: BenchmarkReport): Promise<Html> {
  const { name, summary, command, seconds, loadBefore } = benchmark
  const head = html`<h2>${name}</h2>
    <p>${summary}.</p>
    <p class="command">
      <code>${command}</code> took ${Math.round(seconds)} s; load of the machine before it ${loadBefore.toFixed(1)}
    </p>`
  if ('error' in benchmark) {
    return html`<section id="${name}">
      ${head}
      <p class="error">It failed: ${benchmark.error}</p>
    </section>`
  }
  const { sections } = benchmark
  const given = sections.filter(({ kind }) => kind !== 'ratios')
  const figures: Html[] = []
  for (const section of [...sections.flatMap(ratiosOf), ...given]) figures.push(await renderSection(section))
  return html`<section id="${name}">${head}${figures}</section>`
}

async function renderSection(section: Section): Promise<Html> {
  return html`<figure>
    <figcaption>${section.title}</figcaption>
    <div class="plot" role="img" aria-label="${section.title}">${raw(await plot(section))}</div>
    ${tableOf(section)}
  </figure>`
}
