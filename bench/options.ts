import { must } from '../src/base/errors.ts'

/** What may be said of a benchmark on its command line, as `--name=value`. */
export interface Option {
  /** What it is without being told; undefined where that is another way to measure. */
  readonly fallback?: string
  readonly meaning: string
}

/** What one run of a benchmark was told. */
export class Options {
  readonly #values: Readonly<Record<string, string | undefined>>

  constructor(values: Readonly<Record<string, string | undefined>>) {
    this.#values = values
  }

  /** Undefined where nothing was said, and nothing goes without saying. */
  given(name: string): string | undefined {
    return this.#values[name]
  }

  text(name: string): string {
    return must(this.given(name), `--${name} has a value`)
  }

  number(name: string): number {
    const number = Number(this.text(name))
    if (!Number.isFinite(number) || number <= 0)
      throw new Error(`--${name}=${this.text(name)}: a number above 0 is due`)
    return number
  }

  list(name: string): string[] {
    return this.text(name).split(',')
  }
}
