import type { Section } from '../outcome.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { shownNumber } from './numbers.ts'

/** A section's figures in full. Of a course, where it began, ended, and was at most. */
export function tableOf(section: Section): Html {
  switch (section.kind) {
    case 'ratios':
      return amounts(section.rows, '×')
    case 'amounts':
      return amounts(section.rows, section.unit)
    case 'quantiles':
      return table(
        ['', section.unit, 'p50', 'p90', 'p99', 'max'],
        Object.entries(section.rows).flatMap(([row, series]) =>
          Object.entries(series).map(([name, of]) => [
            row,
            name,
            ...[of?.p50, of?.p90, of?.p99, of?.max].map(shownNumber),
          ]),
        ),
      )
    case 'course':
      return table(
        [section.unit, 'first', 'last', 'most'],
        Object.entries(section.lines).map(([name, points]) => {
          const values = points.map(([, amount]) => amount)
          return [name, ...[values[0], values.at(-1), Math.max(...values)].map(shownNumber)]
        }),
      )
  }
}

type Rows = Extract<Section, { kind: 'amounts' }>['rows']

function amounts(rows: Rows, unit: string): Html {
  const series = [...new Set(Object.values(rows).flatMap((of) => Object.keys(of)))]
  return table(
    [unit, ...series],
    Object.entries(rows).map(([row, of]) => [row, ...series.map((name) => shownNumber(of[name]))]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): Html {
  return html`<div class="table">
    <table>
      <thead>
        <tr>
          ${head.map((cell) => html`<th>${cell}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
