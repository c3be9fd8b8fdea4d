import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'

/** The media types of the collector, such as `application/vnd.treasuredata.v1.mobile+json`. */
const mediaType = /application\/vnd\.treasuredata\.v1(\.[a-z]+)?\+json/i

/** The value of the constraint of routes that only marked requests take. */
export const marked = { sender: 'events' } as const

/**
 * `/{database}/{table}` and `/` are everybody's paths: requests are for the collector there only if their media type says so.
 * A browser that asks beforehand says nothing of the media type, but that the page wants to send one.
 */
export function routeMarkedRequests(scope: FastifyInstance): void {
  scope.addConstraintStrategy({
    name: 'sender',
    mustMatchWhenDerived: false,
    storage() {
      const handlers = new Map<unknown, never>()
      return {
        get: (value) => handlers.get(value) ?? null,
        set: (value, handler) => void handlers.set(value, handler as never),
      }
    },
    deriveConstraint: (request: IncomingMessage) => (isMarked(request) ? marked.sender : undefined),
  })
}

function isMarked({ method, headers }: IncomingMessage): boolean {
  if (method === 'POST') return mediaType.test(headers['content-type'] ?? '')
  if (method === 'GET') return mediaType.test(headers.accept ?? '')
  const wants = headers['access-control-request-headers'] ?? ''
  return method === 'OPTIONS' && /content-type/i.test(wants) && /authorization/i.test(wants)
}
