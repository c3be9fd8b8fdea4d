import { rowsPerBatch } from './ledger.ts'
import { isKill } from './schedule.ts'
import type { Recovery, TortureReport } from './torture.ts'

/** What one seed, or all of them, came to. */
export interface Sum extends Omit<TortureReport, 'seed' | 'store'> {
  /** Recoveries that took longer than they may. */
  readonly late: readonly Recovery[]
}

/** All reports in one. */
export function sumOf(reports: readonly TortureReport[], recoveryMsMax: number): Sum {
  const recoveries = reports.flatMap((report) => report.recoveries)
  const total = (of: (report: TortureReport) => number): number => reports.reduce((sum, report) => sum + of(report), 0)
  return {
    struck: addedUp(reports.map(({ struck }) => struck)),
    kills: total(({ kills }) => kills),
    recoveries,
    late: recoveries.filter(
      ({ fault, importMs, queryMs }) => isKill(fault) && Math.max(importMs, queryMs) > recoveryMsMax,
    ),
    acknowledged: addedUp(reports.map(({ acknowledged }) => acknowledged)),
    queries: total(({ queries }) => queries),
    failedQueries: total(({ failedQueries }) => failedQueries),
    lostAnswers: total(({ lostAnswers }) => lostAnswers),
    storeFaults: total(({ storeFaults }) => storeFaults),
    isCompared: reports.every(({ isCompared }) => isCompared),
    violations: reports.flatMap(({ seed, violations }) =>
      violations.map(({ kind, text }) => ({ kind, text: `seed ${seed}: ${text}` })),
    ),
  }
}

/** Whether what is promised held. */
export function isSound({ violations, late, isCompared }: Sum): boolean {
  return violations.length === 0 && late.length === 0 && isCompared
}

/** All of it in a line, for those who look at nothing else. */
export function lineOf(title: string, sum: Sum): string {
  const { kills, struck, recoveries, acknowledged, isCompared, violations, late } = sum
  const byProcess = addedUp(
    Object.entries(struck)
      .filter(([name]) => isKill(name))
      .map(([name, count]) => ({ [name.split(' ')[1] ?? name]: count })),
  )
  const looks = recoveries.filter(({ fault }) => isKill(fault))
  const times = (of: (recovery: Recovery) => number): string =>
    looks.length === 0 ? 'not looked at' : `${sharesOf(looks.map(of))} ms`
  const batches = Object.values(acknowledged).reduce((all, count) => all + count, 0)
  const of = (kind: string): number => violations.filter((violation) => violation.kind === kind).length
  return [
    `${title}: ${kills} kills (${counts(byProcess)})`,
    `${looks.length} recoveries looked at, p50, p99, worst: imports ${times(({ importMs }) => importMs)}, queries ${times(({ queryMs }) => queryMs)}, ${late.length} late`,
    `${batches} batches acknowledged and ${isCompared ? 'compared' : 'NOT all compared'}: ${of('lost')} lost, ${of('doubled')} doubled, ${of('other')} otherwise wrong`,
    `exit code ${isSound(sum) ? 0 : 1}`,
  ].join('; ')
}

export function textOf(title: string, sum: Sum): string {
  const { kills, struck, acknowledged, recoveries, queries, failedQueries, violations, late, isCompared } = sum
  const batches = Object.values(acknowledged).reduce((all, count) => all + count, 0)
  return [
    `${title}: ${kills} kills; ${counts(struck)}; ${sum.lostAnswers} answers lost, ${sum.storeFaults} calls of the store failed`,
    tableOf(recoveries, struck),
    `  ${isCompared ? 'compared' : 'NOT COMPARED'}: ${batches} batches of ${rowsPerBatch} records that were acknowledged (${counts(acknowledged)}); ${failedQueries} of ${queries} queries failed`,
    ...late.map(
      ({ fault, importMs, queryMs }) =>
        `  LATE after ${fault}: an import ${Math.round(importMs)} ms, a query ${Math.round(queryMs)} ms`,
    ),
    violations.length === 0
      ? `  nothing lost, nothing twice${isCompared ? '' : ', as far as it was seen'}`
      : violations.map(({ text }) => `  VIOLATION ${text}`).join('\n'),
  ].join('\n')
}

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function addedUp(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const one of all) for (const [name, count] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

/** How soon imports and queries were answered again, by the kind of kill, beside how often it struck. */
function tableOf(recoveries: readonly Recovery[], struck: Readonly<Record<string, number>>): string {
  const kinds = Object.keys(struck).filter(isKill).toSorted()
  const columns: readonly ((recovery: Recovery) => number)[] = [
    ({ importMs }) => importMs,
    ({ queryMs }) => queryMs,
    ({ waitedMs }) => waitedMs,
    ({ ranMs }) => ranMs,
  ]
  const row = (name: string, count: number, of: readonly Recovery[]): string[] => [
    name,
    String(count),
    String(of.length),
    ...columns.map((column) => (of.length === 0 ? '' : sharesOf(of.map(column)))),
  ]
  const rows = [
    ['ms until answered: p50, p99, max', 'struck', 'looked at', 'an import', 'a query', 'which waited', 'and ran'],
    ...kinds.map((kind) =>
      row(
        kind,
        struck[kind] ?? 0,
        recoveries.filter(({ fault }) => fault === kind),
      ),
    ),
    row(
      'all kills',
      kinds.reduce((sum, kind) => sum + (struck[kind] ?? 0), 0),
      recoveries.filter(({ fault }) => isKill(fault)),
    ),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  return rows.map(line).join('\n')
}

function sharesOf(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0)
  return `${at(0.5)}, ${at(0.99)}, ${at(1)}`
}
