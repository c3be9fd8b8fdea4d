import type { IncomingHttpHeaders } from 'node:http'

import type { Form } from '../../base/http/parse-form.ts'
import type { OpenCall, TdParts } from './operation.ts'

export interface CalledBy {
  readonly params: unknown
  readonly query: unknown
  readonly headers: IncomingHttpHeaders
}

/** What an operation gets of a request, whichever way it came. */
export function callOf(parts: TdParts, request: CalledBy, nobodyWaits: () => AbortSignal, form = noForm): OpenCall {
  const query = request.query as Readonly<Record<string, string | string[]>>
  const ofQuery = Object.entries(query).map(([name, value]) => [name, [value].flat().at(-1) ?? ''])
  return {
    ...parts,
    params: request.params as Record<string, string>,
    headers: request.headers,
    form: { ...Object.fromEntries(ofQuery), ...form.fields },
    json: form.json,
    nobodyWaits,
  }
}

const noForm: Form = { fields: {}, json: undefined }
