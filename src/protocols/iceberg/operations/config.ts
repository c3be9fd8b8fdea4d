import { fileConfig } from '../codec.ts'
import type { Operation } from '../operation.ts'

/**
 * What a client asks first. `endpoints` names every operation there is: a client that is not told takes some for granted which
 * are not here. A warehouse may be named, and is not needed: the key says whose tables they are.
 */
export const getConfig = (operations: readonly Operation[]): Operation => ({
  method: 'GET',
  path: '/config',
  async handle({ address }) {
    const endpoints = operations.map(({ method, path }) => `${method} /v1/{prefix}${path}`)
    return { status: 200, body: { defaults: fileConfig(address), overrides: {}, endpoints } }
  },
})
