import type { FastifyInstance } from 'fastify'

import { AppError } from '../base/errors.ts'
import { sendProblem } from './problems.ts'

/** Answers what no route takes: 405 with Allow where the path has other methods, or else 404. */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const methodsOf = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method, constraints }) => {
    // Some take only what is marked as theirs: to others they are not there.
    if (constraints !== undefined) return
    const known = methodsOf.get(url) ?? { pattern: patternOf(url), methods: new Set() }
    for (const each of [method].flat()) known.methods.add(each)
    methodsOf.set(url, known)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const found = [...methodsOf.values()].find(({ pattern }) => pattern.test(path))
    if (found === undefined) return sendProblem(request, reply, nothingAt(path))
    const allow = [...found.methods].toSorted().join(', ')
    void reply.header('allow', allow)
    return sendProblem(request, reply, notThisMethod(request.method, path, allow))
  })
}

function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', String.raw`\.`).replaceAll(/:\w+/g, '[^/]+')}$`)
}

function nothingAt(path: string): AppError {
  return new AppError('route_not_found', `There is nothing at ${path}.`, {
    hint: '/api/v1/openapi.json describes everything that there is.',
  })
}

function notThisMethod(method: string, path: string, allow: string): AppError {
  return new AppError('method_not_allowed', `${path} does not take ${method}.`, { hint: `It takes ${allow}.` })
}
