import * as vega from 'vega'
import { compile } from 'vega-lite'
import type { Config, TopLevelSpec } from 'vega-lite'

import type { Section } from '../outcome.ts'
import { shownNumber } from './numbers.ts'

type Of<Kind extends Section['kind']> = Extract<Section, { kind: Kind }>
type Datum = Readonly<Record<string, string | number>>

/** Told apart on white and on black. The yardstick is grey. */
const palette = ['#3b82f6', '#f28e2b', '#22a884', '#d1495b', '#9d6bdb', '#b59a0c', '#e377c2']
const yardstickColor = '#8b949e'

/** Lines and letters have the colour of the page's text, which is dark or light. */
const ink = 'currentColor'
const config: Config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: ink,
    titleColor: ink,
    domainColor: ink,
    tickColor: ink,
    gridColor: ink,
    gridOpacity: 0.12,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 320,
  },
  legend: { labelColor: ink, labelFontSize: 12, labelLimit: 320, orient: 'top', columns: 4 },
  header: { labelColor: ink, labelFontSize: 12, labelLimit: 320 },
}

/** An SVG of a section's figures. */
export async function plot(section: Section): Promise<string> {
  const spec = compile({ config, ...specOf(section) } as TopLevelSpec).spec
  return await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG()
}

function specOf(section: Section): object {
  switch (section.kind) {
    case 'ratios':
      return bars(section, '× (above 1 is better)', undefined)
    case 'amounts':
      return bars(section, `${section.unit} (${section.better} is better)`, section.yardstick)
    case 'quantiles':
      return quantilePlot(section)
    case 'course':
      return course(section)
  }
}

function color(series: readonly string[], yardstick: string | undefined): object {
  const others = series.filter((name) => name !== yardstick)
  const range = series.map((name) =>
    name === yardstick ? yardstickColor : palette[others.indexOf(name) % palette.length],
  )
  return { field: 'series', type: 'nominal', scale: { domain: series, range }, title: null }
}

/** A bar of each series, row by row, with its amount behind it. */
function bars(section: Of<'ratios'> | Of<'amounts'>, title: string, yardstick: string | undefined): object {
  const values = Object.entries(section.rows).flatMap(([row, series]) =>
    Object.entries(series).flatMap(([name, amount]): Datum[] =>
      amount === null || amount === undefined
        ? []
        : [{ row, series: name, amount, label: shownNumber(amount), place: Math.max(amount, 0) }],
    ),
  )
  const series = [...new Set(values.map((of) => String(of['series'])))]
  const most = Math.max(...values.map((of) => Number(of['place'])), section.kind === 'ratios' ? 1 : 0)
  const y = { field: 'row', type: 'nominal', sort: null, title: null, axis: { ticks: false, labelPadding: 8 } }
  const yOffset = { field: 'series', type: 'nominal', sort: series }
  const x = {
    field: 'place',
    type: 'quantitative',
    title,
    scale: { domain: [0, most * 1.12 || 1] },
    axis: { tickCount: 6 },
  }
  const layer: object[] = [
    { mark: { type: 'bar' }, encoding: { x, color: color(series, yardstick) } },
    {
      mark: { type: 'text', align: 'left', dx: 4, fontSize: 11, color: ink },
      encoding: { x, text: { field: 'label', type: 'nominal' } },
    },
  ]
  if (section.kind === 'ratios') {
    layer.push({
      data: { values: [{ one: 1 }] },
      mark: { type: 'rule', strokeDash: [4, 3], color: ink },
      encoding: { x: { field: 'one', type: 'quantitative' }, y: null, yOffset: null },
    })
  }
  return { data: { values }, width: 560, height: { step: 16 }, encoding: { y, yOffset }, layer }
}

const quantileNames = ['p50', 'p90', 'p99', 'max'] as const
/** What is rounded to tenths may be none, which a logarithm has no place for. */
const least = 0.05

/** Of how many something took how long: a line of each series from the median to the worst, a plot of each row. */
function quantilePlot({ rows, unit, yardstick }: Of<'quantiles'>): object {
  const values = Object.entries(rows).flatMap(([row, series]) =>
    Object.entries(series).flatMap(([name, quantiles]): Datum[] =>
      quantiles === null || quantiles === undefined
        ? []
        : quantileNames.map((quantile) => ({
            row,
            series: name,
            quantile,
            amount: Math.max(quantiles[quantile], least),
          })),
    ),
  )
  const series = [...new Set(values.map((of) => String(of['series'])))]
  return {
    data: { values },
    facet: { field: 'row', type: 'nominal', sort: Object.keys(rows), title: null },
    columns: 3,
    spec: {
      width: 190,
      height: 150,
      mark: { type: 'line', point: { filled: true, size: 36 } },
      encoding: {
        x: { field: 'quantile', type: 'ordinal', sort: quantileNames, title: null, axis: { labelAngle: 0 } },
        y: {
          field: 'amount',
          type: 'quantitative',
          scale: { type: 'log' },
          title: `${unit} (less is better)`,
          axis: { tickCount: 4, format: '~s' },
        },
        color: color(series, yardstick),
      },
    },
  }
}

function course({ lines, unit }: Of<'course'>): object {
  const values = Object.entries(lines).flatMap(([series, points]) =>
    points.map(([minute, amount]): Datum => ({ series, minute, amount })),
  )
  return {
    data: { values },
    width: 620,
    height: 180,
    mark: { type: 'line', strokeWidth: 1.5 },
    encoding: {
      x: { field: 'minute', type: 'quantitative', title: 'minutes' },
      y: { field: 'amount', type: 'quantitative', title: unit, axis: { tickCount: 5 } },
      color: color(Object.keys(lines), undefined),
    },
  }
}
