/** How far a run has come. */
export interface Standing {
  readonly worlds: number
  /** How many there will be; infinite where time alone ends the run. */
  readonly worldsMax: number
  readonly seconds: number
  readonly secondsMax: number
  readonly broken: number
  /** All seeds before it were lived through: a run that is stopped goes on from there. */
  readonly nextSeed: number
}

/** What `Progress` writes to. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const rewriteEveryS = 0.5
const lineEveryS = 60

const startOfLine = '\r\u001B[K'

/** Says how far a long run has come: in one line that is written again where somebody looks on, and once a minute in a log. */
export class Progress {
  readonly #output: ProgressOutput
  #lastS = 0
  #isOpen = false

  constructor(output: ProgressOutput) {
    this.#output = output
  }

  show(standing: Standing): void {
    const isTerminal = this.#output.isTTY === true
    if (standing.seconds - this.#lastS < (isTerminal ? rewriteEveryS : lineEveryS)) return
    this.#lastS = standing.seconds
    this.#output.write(isTerminal ? `${startOfLine}${lineOf(standing)}` : `${lineOf(standing)}\n`)
    this.#isOpen = isTerminal
  }

  /** Takes the line away, before something else is written. */
  clear(): void {
    if (this.#isOpen) this.#output.write(startOfLine)
    this.#isOpen = false
  }
}

export function lineOf({ worlds, worldsMax, seconds, secondsMax, broken, nextSeed }: Standing): string {
  const perSecond = worlds / seconds
  const left = Math.min((worldsMax - worlds) / perSecond, secondsMax - seconds)
  const share = Number.isFinite(worldsMax) ? ` of ${worldsMax} (${((100 * worlds) / worldsMax).toFixed(1)} %)` : ''
  return `${worlds}${share} worlds, ${perSecond.toFixed(0)}/s, ${durationText(left)} left, ${broken} broken, next seed ${nextSeed}`
}

function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'some time'
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}
