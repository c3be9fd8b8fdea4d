import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'

/** Fails where it is no number above zero: a run of nothing would find nothing wrong. */
export function amountOf(name: string, text: string): number {
  const amount = Number(text)
  if (Number.isFinite(amount) && amount > 0) return amount
  process.stderr.write(`--${name} is "${text}", and has to be a number above zero.\n`)
  process.exit(2)
}

/**
 * What a script was told on its command line. `--help` prints the usage and ends it. A word that nothing is known by ends it with 2: a
 * run that ignored it would be another one than was asked for.
 */
export function toldTo<Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  if (process.argv.includes('--help')) {
    process.stdout.write(usage)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}
