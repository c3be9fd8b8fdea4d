import { isIP } from 'node:net'

import { AppError } from './errors.ts'
import { parquetVersionDefault, parquetVersions } from './parquet/version.ts'
import type { ParquetVersion } from './parquet/version.ts'
import { bytes, list, portOrOff, text, toggle, whole } from './setting-kinds.ts'
import type { SettingSpec } from './setting-kinds.ts'

export const roleNames = ['api', 'worker', 'scheduler'] as const
export type RoleName = (typeof roleNames)[number]

const roles: SettingSpec<readonly RoleName[]> = {
  flag: 'roles',
  placeholder: '<list>',
  fallback: roleNames,
  doc: 'Which roles this supervisor runs, separated by commas: api (all network doors), worker (jobs), scheduler.',
  parse(value) {
    const names = value.split(',').map((name) => name.trim())
    for (const name of names) {
      if (!roleNames.some((known) => known === name)) throw new Error(`“${name}” is none of ${roleNames.join(', ')}`)
    }
    return roleNames.filter((known) => names.includes(known))
  },
}

/** How many jobs of a kind a worker runs at once. */
export interface KindConcurrency {
  readonly kind: string
  readonly concurrency: number
}

const concurrency: SettingSpec<readonly KindConcurrency[]> = {
  flag: 'concurrency',
  placeholder: '<list>',
  fallback: [],
  doc: 'How many jobs of a kind a worker runs at once, such as query=4,import=2; by default it follows from --engines-max.',
  parse(value) {
    return value.split(',').map((part) => {
      const match = /^\s*([a-z][a-z0-9_]*)=([1-9]\d{0,3})\s*$/.exec(part)
      if (match === null) throw new Error(`“${part}” is not a kind and a number from 1 to 9999 such as query=4`)
      return { kind: match[1] ?? '', concurrency: Number(match[2]) }
    })
  },
}

const parquetVersion: SettingSpec<ParquetVersion> = {
  flag: 'parquet-version',
  placeholder: '<version>',
  fallback: parquetVersionDefault,
  doc: 'The encodings of the files that tables are made of: v2, or v1 for readers that do not know the newer ones (docs/iceberg.md).',
  parse(value) {
    const known = parquetVersions.find((version) => version === value)
    if (known === undefined) throw new Error(`“${value}” is none of ${parquetVersions.join(', ')}`)
    return known
  },
}

/**
 * Every setting of the server, declared once: name, default, limits and prose. The flags of `biwa serve`, the
 * environment variables and docs/settings.md follow from this table.
 */
export const settingTable = {
  dataDirectory: text({
    flag: 'data-dir',
    placeholder: '<path>',
    fallback: './biwa-data',
    doc: 'Where the embedded PostgreSQL, the object store, the inbox and scratch files live.',
  }),
  host: text({
    flag: 'host',
    placeholder: '<address>',
    fallback: '127.0.0.1',
    doc: 'The address to listen on; 0.0.0.0 for all.',
  }),
  port: whole({
    flag: 'port',
    placeholder: '<number>',
    fallback: 8040,
    min: 0,
    max: 65535,
    doc: 'The HTTP port; 0 takes a free one.',
  }),
  roles,
  spares: toggle({
    flag: 'spares',
    fallback: true,
    doc: 'Keep a process ready that takes over when the api or a worker process dies: half a second instead of two, for some 140 MiB of memory.',
  }),
  sample: toggle({ flag: 'sample', fallback: true, doc: 'Load the labelled sample data set at the first start.' }),
  databaseUrl: text({
    flag: 'database-url',
    placeholder: '<url>',
    fallback: '',
    doc: 'An external PostgreSQL (15 or newer) instead of the embedded one.',
  }),
  objectStore: text({
    flag: 'object-store',
    placeholder: '<url>',
    fallback: '',
    doc: 's3://bucket/prefix, or a directory; by default `objects` in the data directory.',
  }),
  objectStoreEndpoint: text({
    flag: 'object-store-endpoint',
    placeholder: '<url>',
    fallback: '',
    doc: 'The endpoint of an S3-compatible store that is not Amazon’s. Credentials and region come from the AWS_* variables.',
  }),
  objectStorePathStyle: toggle({
    flag: 'object-store-path-style',
    fallback: false,
    doc: 'Address the bucket in the path and not in the host name, as most S3-compatible stores want it.',
  }),
  objectStoreStallSeconds: whole({
    flag: 'object-store-stall-seconds',
    placeholder: '<seconds>',
    fallback: 30,
    min: 1,
    max: 3600,
    doc: 'The stall checker: a call of the object store of which no byte comes or goes for so long is cut, and made again.',
  }),
  objectStoreAttempts: whole({
    flag: 'object-store-attempts',
    placeholder: '<number>',
    fallback: 4,
    min: 1,
    max: 100,
    doc: 'How often a call of the object store that fails or stalls is made, with growing pauses, before its job fails.',
  }),
  parquetVersion,
  cacheBytes: bytes({
    flag: 'cache-bytes',
    placeholder: '<size>',
    fallback: 10e9,
    doc: 'How much of an S3 object store is kept on the local disk for the engines.',
  }),
  enginesMax: whole({
    flag: 'engines-max',
    placeholder: '<number>',
    fallback: 2,
    min: 1,
    max: 256,
    doc: 'How many engine processes a worker runs for queries, and as many again for imports.',
  }),
  concurrency,
  drainSeconds: whole({
    flag: 'drain-seconds',
    placeholder: '<seconds>',
    fallback: 86_400,
    min: 0,
    max: 86_400,
    doc: 'How long running jobs may take to finish after SIGTERM, and on old code after SIGHUP. Ctrl-C waits for 5 seconds.',
  }),
  queryMemoryBytes: bytes({
    flag: 'query-memory-bytes',
    placeholder: '<size>',
    fallback: 1e9,
    doc: 'The memory a query may use before it spills; its process is killed at twice that and half a gigabyte.',
  }),
  queryTemporaryBytes: bytes({
    flag: 'query-temporary-bytes',
    placeholder: '<size>',
    fallback: 20e9,
    doc: 'The disk a query may use for spilling and for its result.',
  }),
  queryScanBytes: bytes({
    flag: 'query-scan-bytes',
    placeholder: '<size>',
    fallback: 1e12,
    doc: 'The compressed bytes a query may scan; a larger plan is refused before it reads anything.',
  }),
  queryTimeoutSeconds: whole({
    flag: 'query-timeout-seconds',
    placeholder: '<seconds>',
    fallback: 3600,
    min: 1,
    max: 86_400,
    doc: 'The longest a query may run on the interactive engine.',
  }),
  batchTimeoutSeconds: whole({
    flag: 'batch-timeout-seconds',
    placeholder: '<seconds>',
    fallback: 21_600,
    min: 1,
    max: 604_800,
    doc: 'The longest a query may run on the batch engine.',
  }),
  batchTemporaryBytes: bytes({
    flag: 'batch-temporary-bytes',
    placeholder: '<size>',
    fallback: 100e9,
    doc: 'The disk a query of the batch engine may use for spilling and for its result.',
  }),
  verifyBytesPerSecond: bytes({
    flag: 'verify-bytes-per-second',
    placeholder: '<size>',
    fallback: 200e6,
    doc: 'How much of the object store a job of biwa verify reads in a second.',
  }),
  uniqueIdDays: whole({
    flag: 'unique-id-days',
    placeholder: '<days>',
    fallback: 30,
    min: 1,
    max: 3650,
    doc: 'For how long the unique ids of imports are known: a body that is sent again after that is imported again.',
  }),
  quarantineDays: whole({
    flag: 'quarantine-days',
    placeholder: '<days>',
    fallback: 90,
    min: 1,
    max: 3650,
    doc: 'For how long records that could not be read are kept in the quarantine.',
  }),
  rejectionHours: whole({
    flag: 'rejection-hours',
    placeholder: '<hours>',
    fallback: 24,
    min: 1,
    max: 720,
    doc: 'For how long it is told which requests the doors of the intake refused, and why.',
  }),
  inflightBytes: bytes({
    flag: 'inflight-bytes',
    placeholder: '<size>',
    fallback: 256e6,
    doc: 'Bodies held in memory at one time by an api process; above it, 429 with Retry-After.',
  }),
  backlogBytes: bytes({
    flag: 'backlog-bytes',
    placeholder: '<size>',
    fallback: 4e9,
    doc: 'Acknowledged bodies that wait in the inbox; above it, 429 with Retry-After.',
  }),
  backlogSeconds: whole({
    flag: 'backlog-seconds',
    placeholder: '<seconds>',
    fallback: 60,
    min: 0,
    max: 86_400,
    doc: 'How long it may take until what waits in the inbox can be queried; above it, 429 with Retry-After for bodies of more than 64 KiB, while conversions go on (docs/api.md). 0 takes bodies up to --backlog-bytes.',
  }),
  trustedProxies: list({
    flag: 'trusted-proxies',
    placeholder: '<list>',
    doc: 'Addresses and networks (10.0.0.0/8) of the proxies before the server, separated by commas: what they say of the client and of TLS is believed.',
    one(value) {
      const [address = '', bits = ''] = value.split('/')
      const bitsMax = { 4: 32, 6: 128 }[isIP(address)]
      if (
        bitsMax !== undefined &&
        (bits === '' ? !value.includes('/') : /^\d+$/.test(bits) && Number(bits) <= bitsMax)
      ) {
        return value
      }
      throw new Error(`“${value}” is neither an IP address nor a network such as 10.0.0.0/8`)
    },
  }),
  redirectHosts: list({
    flag: 'redirect-hosts',
    placeholder: '<list>',
    doc: 'The hosts that td_redirect of a postback may lead to, separated by commas: www.example.com, or *.example.com for all below; none by default.',
    one(value) {
      if (/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(value)) return value
      throw new Error(`“${value}” is not a host such as www.example.com or *.example.com`)
    },
  }),
  fluentPort: portOrOff({
    flag: 'fluent-port',
    placeholder: '<number>',
    doc: 'The port of Fluentd’s forward protocol, on the address of --host; Fluentd’s own is 24224, and 0 takes a free one.',
  }),
  fluentApiKey: text({
    flag: 'fluent-api-key',
    placeholder: '<key>',
    fallback: '',
    doc: 'The API key as which forward clients write that name no user.',
  }),
  fluentSharedKey: text({
    flag: 'fluent-shared-key',
    placeholder: '<key>',
    fallback: '',
    doc: 'What forward clients prove to know; without --fluent-api-key, each then gives an API key as its user name.',
  }),
  fluentTlsCertificate: text({
    flag: 'fluent-tls-certificate',
    placeholder: '<path>',
    fallback: '',
    doc: 'A certificate with its chain, in PEM: the forward port then speaks TLS.',
  }),
  fluentTlsKey: text({
    flag: 'fluent-tls-key',
    placeholder: '<path>',
    fallback: '',
    doc: 'The private key of the certificate, in PEM.',
  }),
  fluentTlsClientAuthority: text({
    flag: 'fluent-tls-client-authority',
    placeholder: '<path>',
    fallback: '',
    doc: 'Certificates, in PEM, of which one has to have signed that of a forward client.',
  }),
  fluentConfiguration: text({
    flag: 'fluent-configuration',
    placeholder: '<path>',
    fallback: '',
    doc: 'A file in TOML with routes from tags to tables, and rules for networks of forward clients (docs/fluentd.md).',
  }),
  fluentHttpPort: portOrOff({
    flag: 'fluent-http-port',
    placeholder: '<number>',
    doc: 'A port for clients of Fluentd’s in_http, whose own is 9880. The same door is at /fluentd on the HTTP port.',
  }),
  fluentHttpOrigins: text({
    flag: 'fluent-http-origins',
    placeholder: '<list>',
    fallback: '',
    doc: 'Origins of web pages that may send to that door, separated by commas; * for all.',
  }),
  logLevel: text({
    flag: 'log-level',
    placeholder: '<level>',
    fallback: 'warn',
    doc: 'trace, debug, info, warn, error or fatal; JSON lines on standard error.',
  }),
} as const

export type Settings = {
  readonly [Name in keyof typeof settingTable]: (typeof settingTable)[Name]['fallback'] extends infer Value
    ? Widened<Value>
    : never
}

type Widened<Value> = Value extends boolean ? boolean : Value extends number ? number : Value

export type SettingName = keyof Settings

export function settingVariable(name: SettingName): string {
  return `BIWA_${settingTable[name].flag.replaceAll('-', '_').toUpperCase()}`
}

/** The settings from flags before variables before defaults; empty texts count as not given. */
export function readSettings(
  flags: Readonly<Partial<Record<SettingName, string>>>,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const read = (name: SettingName): unknown => {
    const spec: SettingSpec<unknown> = settingTable[name]
    const flag = flags[name]
    const given = flag === undefined || flag === '' ? environment[settingVariable(name)] : flag
    if (given === undefined || given === '') return spec.fallback
    try {
      return spec.parse(given)
    } catch (error) {
      const source = given === flag ? `--${spec.flag}` : settingVariable(name)
      throw new AppError('startup', `${source}: ${error instanceof Error ? error.message : String(error)}.`)
    }
  }
  const names = Object.keys(settingTable) as SettingName[]
  return Object.fromEntries(names.map((name) => [name, read(name)])) as unknown as Settings
}

/** The default as one would write it on the command line; empty where there is none. */
export function fallbackText(name: SettingName): string {
  const { fallback } = settingTable[name]
  if (typeof fallback !== 'object') return String(fallback)
  return fallback.map((one) => (typeof one === 'string' ? one : `${one.kind}=${one.concurrency}`)).join(',')
}
