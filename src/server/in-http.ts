import Fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger } from 'fastify'

import type { Settings } from '../base/settings.ts'
import { httpOrigins } from '../protocols/fluent/http-origins.ts'
import { inHttp } from '../protocols/fluent/in-http.ts'
import type { InHttpOptions } from '../protocols/fluent/in-http.ts'
import type { Logger } from '../base/log.ts'
import { openRoutes } from './forward.ts'
import { HttpListener } from './http-listener.ts'
import type { ListeningSocket } from './role-messages.ts'

const requestMsMax = 120_000

/** What the settings say about Fluentd's `in_http`, on whichever port. */
export function inHttpSettings(settings: Settings): InHttpOptions['fluent'] {
  const { fluentApiKey: apiKey, fluentHttpOrigins } = settings
  return { routeOf: openRoutes(settings), apiKey, origins: httpOrigins(fluentHttpOrigins) }
}

export interface InHttpPortParts extends InHttpOptions {
  readonly settings: Settings
  readonly log: Logger
  readonly previousPort: number | undefined
  readonly inherited: ListeningSocket | undefined
}

/** A port for Fluentd's `in_http` alone, where paths are tags; undefined where it is off. */
export function openInHttpPort(parts: InHttpPortParts): HttpListener | undefined {
  const { settings, log, previousPort, inherited } = parts
  if (typeof settings.fluentHttpPort !== 'number') return undefined
  // Fastify’s own type of a logger: with pino’s, everything that it returns is of another type.
  const loggerInstance: FastifyBaseLogger = log.child({ door: 'in_http' })
  const app = Fastify({
    loggerInstance,
    trustProxy: [...settings.trustedProxies],
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: requestMsMax,
    return503OnClosing: false,
    exposeHeadRoutes: false,
  })
  void app.register(inHttp(parts))
  const wanted = { host: settings.host, port: previousPort ?? settings.fluentHttpPort, flag: '--fluent-http-port' }
  return new HttpListener(app, wanted, inherited)
}
