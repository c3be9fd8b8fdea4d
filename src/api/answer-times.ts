/** Upper bounds of the buckets, in seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Requests of one method to one route. */
interface Cell {
  readonly method: string
  readonly byStatus: Map<number, number>
  /** How many ended within each bound and not within the one before; those beyond the last bound are counted last. */
  readonly buckets: number[]
  seconds: number
}

/** Requests to one route that were answered: to count one more finds numbers and makes nothing. */
export class RouteTimes {
  readonly route: string
  readonly #cells: Cell[] = []

  constructor(route: string) {
    this.route = route
  }

  note(method: string, status: number, seconds: number): void {
    const cell = this.#cellOf(method)
    cell.byStatus.set(status, (cell.byStatus.get(status) ?? 0) + 1)
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket += 1
    cell.buckets[bucket] = (cell.buckets[bucket] as number) + 1
    cell.seconds += seconds
  }

  get cells(): readonly Cell[] {
    return this.#cells
  }

  /** A route has one or two methods. */
  #cellOf(method: string): Cell {
    for (const cell of this.#cells) if (cell.method === method) return cell
    const cell = { method, byStatus: new Map(), buckets: Array(bounds.length + 1).fill(0) as number[], seconds: 0 }
    this.#cells.push(cell)
    return cell
  }
}

/**
 * How many requests were answered, and in what time, by route. The counters of the Prometheus client look their labels up by text
 * that they put together for each request, which took a tenth of the time that a single event takes; here each route has
 * its numbers, and the text is written when somebody asks for it.
 */
export class AnswerTimes {
  readonly #routes = new Map<string, RouteTimes>()

  of(route: string): RouteTimes {
    let times = this.#routes.get(route)
    if (times === undefined) {
      times = new RouteTimes(route)
      this.#routes.set(route, times)
    }
    return times
  }

  /** In the text format of Prometheus. */
  render(): string {
    const counts: string[] = []
    const times: string[] = []
    for (const { route, cells } of this.#routes.values()) {
      for (const cell of cells) {
        const labels = `method="${cell.method}",route="${escaped(route)}"`
        for (const [status, count] of cell.byStatus) counts.push(`${requests}{${labels},status="${status}"} ${count}`)
        times.push(...histogramOf(cell, labels))
      }
    }
    const heads = [
      [`# HELP ${requests} Requests that were answered.`, `# TYPE ${requests} counter`],
      [`# HELP ${duration} From the head of a request to the end of its answer.`, `# TYPE ${duration} histogram`],
    ] as const
    return `${[...heads[0], ...counts, '', ...heads[1], ...times].join('\n')}\n`
  }
}

const requests = 'biwa_http_requests_total'
const duration = 'biwa_http_request_duration_seconds'

function histogramOf({ buckets, seconds }: Cell, labels: string): string[] {
  let count = 0
  const lines = buckets.map((inBucket, index) => {
    count += inBucket
    return `${duration}_bucket{le="${bounds[index] ?? '+Inf'}",${labels}} ${count}`
  })
  return [...lines, `${duration}_sum{${labels}} ${seconds}`, `${duration}_count{${labels}} ${count}`]
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
