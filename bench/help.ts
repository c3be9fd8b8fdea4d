import { catalogue } from './catalogue.ts'

/** What `--help` prints: the benchmarks, and what each can be told. */
export function help(): string {
  const benchmarks = Object.entries(catalogue).flatMap(([name, { summary, options }]) => [
    `  ${name.padEnd(12)}${summary}`,
    ...Object.entries(options).map(([option, { fallback, meaning }]) => {
      const shown = fallback === undefined ? `--${option}=…` : `--${option}=${fallback}`
      return `${' '.repeat(14)}${shown.padEnd(26)} ${meaning}`
    }),
    '',
  ])
  return [
    'npm run bench -- NAME… [OPTIONS]    measures beside a yardstick from the same run; `all` stands for all names',
    '',
    '  --json             prints the figures for machines',
    '  --report[=PATH]    writes one page with tables and plots: bench/report.html',
    '  --quick            a run of a few minutes, which shows that it works',
    '  --help             this',
    '',
    'Benchmarks, with what they are told unless told otherwise:',
    '',
    ...benchmarks,
  ].join('\n')
}
