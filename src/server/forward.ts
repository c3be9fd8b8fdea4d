import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { TlsOptions } from 'node:tls'

import { AppError } from '../base/errors.ts'
import type { Settings } from '../base/settings.ts'
import type { IngestMetrics } from '../base/http/ingest-metrics.ts'
import type { Rejection, Rejections } from '../collect/rejections.ts'
import type { Collect } from '../collect/collect.ts'
import { emptyConfiguration, parseConfiguration } from '../protocols/fluent/configuration.ts'
import type { FluentConfiguration } from '../protocols/fluent/configuration.ts'
import type { ForwardMeter, Refusal } from '../protocols/fluent/door.ts'
import { forwardLimitsDefault } from '../protocols/fluent/door.ts'
import { ForwardListener } from '../protocols/fluent/forward-listener.ts'
import type { ForwardListenerOptions } from '../protocols/fluent/forward-listener.ts'
import { routesOf } from '../protocols/fluent/routes.ts'
import type { RouteOf } from '../protocols/fluent/routes.ts'
import { sendersOf } from '../protocols/fluent/senders.ts'
import type { Platform } from './platform.ts'
import type { ListeningSocket } from './role-messages.ts'

export interface ForwardParts {
  readonly platform: Platform
  readonly collect: Collect
  readonly metrics: ForwardMetrics
  readonly rejections: Rejections
  readonly onBug: (error: unknown) => void
  /** Where a process before this one listened. */
  readonly previousPort: number | undefined
  readonly inherited: ListeningSocket | undefined
}

/** Of the memory for bodies on their way in, as much may belong to messages of forward clients. */
const heldShare = 0.5

/** Fluentd's door as the settings have it; undefined where it is off. Fails with `startup`. */
export function openForward(parts: ForwardParts): ForwardListener | undefined {
  const { settings, ...platform } = parts.platform
  if (typeof settings.fluentPort !== 'number') return undefined
  return new ForwardListener({
    ...platform,
    collect: parts.collect,
    meter: meterOf(parts.metrics),
    onRefusal: (refusal) => parts.rejections.note(rejectionOf(refusal)),
    onBug: parts.onBug,
    inherited: parts.inherited,
    host: settings.host,
    port: parts.previousPort ?? settings.fluentPort,
    ...forwardSettings(settings),
    // Clients on this machine have its name, and refuse a server of their own name.
    hostname: `biwa.${hostname()}`,
    limits: { ...forwardLimitsDefault, heldBytesMax: Math.floor(settings.inflightBytes * heldShare) },
  })
}

/** Who may send, in which way, and where it goes. Fails with `startup`. */
export function forwardSettings(settings: Settings): Pick<ForwardListenerOptions, 'routeOf' | 'ruleFor' | 'tls'> {
  const { routes, networks, users } = readConfiguration(settings)
  requireSomebody(settings, networks.length > 0)
  const others = { sharedKey: settings.fluentSharedKey, apiKey: settings.fluentApiKey, users }
  return { routeOf: routesOf(routes), ruleFor: sendersOf(networks, others), tls: readTls(settings) }
}

/** What is counted of forward connections, beside the bodies that they bring. */
export interface ForwardMetrics extends IngestMetrics {
  readonly forwardConnections: { set(value: number): void }
  readonly forwardAcks: { inc(): void }
}

function meterOf(metrics: ForwardMetrics): ForwardMeter {
  return {
    connections: (open) => metrics.forwardConnections.set(open),
    message: (outcome, bytes) => metrics.ingest.note('forward', outcome, outcome === 'accepted' ? bytes : 0),
    acked: () => metrics.forwardAcks.inc(),
  }
}

function rejectionOf({ code, detail, principal, target }: Refusal): Rejection {
  return {
    accountId: principal?.accountId ?? null,
    keyId: principal?.keyId ?? null,
    door: 'forward',
    code,
    detail,
    database: target?.database ?? null,
    table: target?.table ?? null,
  }
}

/** Where the events of a tag go, by the configuration file. Fails with `startup`. */
export function openRoutes(settings: Settings): RouteOf {
  return routesOf(readConfiguration(settings).routes)
}

function readConfiguration({ fluentConfiguration: path }: Settings): FluentConfiguration {
  if (path === '') return emptyConfiguration
  try {
    return parseConfiguration(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new AppError('startup', `The file ${path} cannot be used: ${reasonOf(error)}.`, {
      hint: 'docs/fluentd.md shows what may be in it.',
      cause: error,
    })
  }
}

function requireSomebody(settings: Settings, hasNetworks: boolean): void {
  if (settings.fluentApiKey !== '' || settings.fluentSharedKey !== '' || hasNetworks) return
  throw new AppError(
    'startup',
    'Nobody may send to the forward port: there is no key as which its clients would write.',
    {
      hint: 'Give --fluent-api-key, or --fluent-shared-key and API keys as user names, or turn it off with --fluent-port off.',
    },
  )
}

function readTls(settings: Settings): TlsOptions | undefined {
  const { fluentTlsCertificate, fluentTlsKey, fluentTlsClientAuthority } = settings
  if (fluentTlsCertificate === '' && fluentTlsKey === '' && fluentTlsClientAuthority === '') return undefined
  const asked = fluentTlsClientAuthority !== ''
  return {
    cert: readPem('fluent-tls-certificate', fluentTlsCertificate),
    key: readPem('fluent-tls-key', fluentTlsKey),
    minVersion: 'TLSv1.2',
    ...(asked && { ca: readPem('fluent-tls-client-authority', fluentTlsClientAuthority), requestCert: true }),
  }
}

function readPem(flag: string, path: string): Buffer {
  if (path === '') throw new AppError('startup', `The forward port speaks TLS only with --${flag}.`)
  try {
    return readFileSync(path)
  } catch (error) {
    throw new AppError('startup', `--${flag} ${path} cannot be read: ${reasonOf(error)}.`, { cause: error })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
