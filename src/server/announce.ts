import { sample } from './sample.ts'

export interface Announcement {
  readonly url: string
  /** Absent when the key is not known here: it was made elsewhere, or its file was removed. */
  readonly apiKey: string | undefined
  readonly firstStart: boolean
  readonly dataDirectory: string
  readonly withSample: boolean
  /** Undefined where that door is closed. */
  readonly forwardPort: number | undefined
  readonly seconds: number
}

/** What a person needs next: where it runs, with which key, and three commands to copy. */
export function readyLines(announcement: Announcement): string {
  const { url, apiKey, firstStart, dataDirectory, withSample, forwardPort, seconds } = announcement
  const key = apiKey ?? 'YOUR-API-KEY'
  const [database, question] = withSample
    ? [
        sample.database,
        `select origin, count(*) as flights from ${sample.table} group by origin order by flights desc limit 5`,
      ]
    : ['demo', 'select * from events order by time desc limit 5']
  return [
    `Biwa is ready at ${url} (${seconds.toFixed(1)} s)`,
    '',
    `  API key  ${apiKey ?? 'not kept here; biwa key create makes one'}`,
    ...(firstStart ? [`           made now; ${dataDirectory}/credentials.json keeps it for the biwa command`] : []),
    ...(withSample ? [`  Sample   ${sample.database}.${sample.table}: ${sample.label}`] : []),
    ...(forwardPort === undefined ? [] : [`  Fluentd  port ${forwardPort}`]),
    '',
    'Send an event:',
    `  curl -d '{"action":"hello"}' -H 'Authorization: Bearer ${key}' ${url}/api/v1/databases/demo/tables/events/events`,
    'Run a query:',
    `  npx biwa query -d ${database} "${question}"`,
    'Watch:',
    '  npx biwa table tail demo.events --follow',
    '  npx biwa job list',
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n')
}

/** What happens once a stop was asked for. */
export const drainLine = 'Stopping when the running jobs have finished. A second signal hands them back at once.\n'

/** Which processes serve after a rolling restart, and which ones still finish their jobs. */
export function renewalLine(
  roles: readonly {
    readonly name: string
    readonly pid: number | undefined
    readonly retiringPids: readonly number[]
  }[],
): string {
  const now = roles.map(({ name, pid }) => `${name} ${pid}`).join(', ')
  const old = roles.flatMap(({ retiringPids }) => retiringPids)
  const rest = old.length === 0 ? '' : ` Finishing their work: ${old.join(', ')}.`
  return `Biwa has restarted its roles: ${now}.${rest}\n`
}
