import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

import type { Access, Principal } from '../../access/access.ts'
import type { Clock } from '../../base/clock.ts'
import type { IngestMetrics } from '../../base/http/ingest-metrics.ts'
import type { BulkImports } from '../../collect/bulk/bulk-imports.ts'
import type { Collect } from '../../collect/collect.ts'
import type { Rejections } from '../../collect/rejections.ts'
import type { Deliver } from '../../deliver/deliver.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import type { Schedules } from '../../jobs/schedules.ts'
import type { Process } from '../../process/process.ts'
import type { Store } from '../../store/store.ts'

/** The doors that operations call. */
export interface TdParts {
  readonly access: Access
  readonly store: Store
  readonly collect: Collect
  readonly rejections: Pick<Rejections, 'note'>
  readonly bulk: BulkImports
  readonly process: Process
  readonly jobs: Jobs
  readonly deliver: Deliver
  readonly schedules: Schedules
  readonly metrics: IngestMetrics
  readonly clock: Clock
}

/** A request, from whomever; nothing of it is checked yet. */
export interface OpenCall extends TdParts {
  /** What stands in the path in place of `{name}`. */
  readonly params: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  /** The parameters of the query and of the body, which wins, as text, whatever encoding the body has. */
  readonly form: Readonly<Record<string, string>>
  /** The body as it was, where it was JSON. */
  readonly json: unknown
  /** Aborted when the client goes away: time to stop waiting. */
  readonly nobodyWaits: () => AbortSignal
}

/** A request from somebody who is known. */
export interface Call extends OpenCall {
  readonly principal: Principal
}

/** A request with a body that is data. The bytes count against the budget of the process until it is answered. */
export interface ImportCall extends Call {
  /** Reads the body: call it when it is known that the body is welcome. Fails with `body_too_large`, `overloaded` … */
  readonly upload: () => Promise<Buffer>
}

/** A request with data that is not held in memory. */
export interface StreamCall extends Call {
  readonly stream: Readable
}

export interface Answer {
  /** 200 where it is not said. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Objects become JSON, with exactly the keys they have: clients in Go refuse keys that they do not know. */
  readonly body: object | Buffer | Readable
}

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Behind the prefix `/v3`. */
  readonly path: string
}

/** One operation: for those with a key, for those with a key and data, or for everybody. */
export type Operation =
  | ImportOperation
  | (Route &
      (
        | { readonly kind: 'form'; handle(call: Call): Promise<Answer> }
        | { readonly kind: 'stream'; handle(call: StreamCall): Promise<Answer> }
        | { readonly kind: 'open'; handle(call: OpenCall): Promise<Answer> }
      ))

/** Its answers are JSON. */
export interface ImportOperation extends Route {
  readonly kind: 'import'
  handle(call: ImportCall): Promise<Answer>
}

type Handler<C> = (call: C) => Promise<Answer>

/** An operation that takes parameters, and nothing or a form as its body. */
export function operation(method: Route['method'], path: string, handle: Handler<Call>): Operation {
  return { kind: 'form', method, path, handle }
}

/** An operation that takes data, by the lane for large bodies as well. */
export function importOperation(path: string, handle: Handler<ImportCall>): Operation {
  return { kind: 'import', method: 'PUT', path, handle }
}

/** An operation that takes data as they come. */
export function streamOperation(method: Route['method'], path: string, handle: Handler<StreamCall>): Operation {
  return { kind: 'stream', method, path, handle }
}

/** An operation for which no key is asked. */
export function openOperation(method: Route['method'], path: string, handle: Handler<OpenCall>): Operation {
  return { kind: 'open', method, path, handle }
}
