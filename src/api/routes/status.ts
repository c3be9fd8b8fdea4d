import type { FastifyInstance } from 'fastify'

import type { Clock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import { getStatus } from '../contract/status.ts'
import { checkDependencies } from '../health.ts'
import type { Dependency } from '../health.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'

export interface StatusParts {
  readonly version: string
  readonly dependencies: readonly Dependency[]
  readonly jobs: Jobs
  readonly clock: Clock
}

/** How the server is: for people (`/status`), and for whatever starts, stops and feeds it (`/healthz`, `/readyz`). */
export function serveStatus(host: OperationHost, parts: StatusParts): void {
  serveOperation(host, getStatus).with(async () => {
    const [checks, jobs] = await Promise.all([
      checkDependencies(parts.dependencies, parts.clock),
      depthJson(parts.jobs),
    ])
    return { status: 200, body: { version: parts.version, ok: checks.every(({ ok }) => ok), checks, jobs } }
  })
  serveProbes(host.app, parts)
}

function serveProbes(app: FastifyInstance, { version, dependencies, clock }: StatusParts): void {
  app.get('/healthz', () => ({ status: 'ok', version }))
  app.get('/readyz', async (_request, reply) => {
    const checks = await checkDependencies(dependencies, clock)
    const ready = checks.every(({ ok }) => ok)
    return reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', checks })
  })
}

async function depthJson(jobs: Jobs) {
  try {
    const depth = await jobs.depth()
    return depth.map(({ kind, state, count, oldestSeconds }) => ({ kind, state, count, oldest_seconds: oldestSeconds }))
  } catch (error) {
    if (isAppError(error, 'database_unavailable')) return null
    throw error
  }
}
