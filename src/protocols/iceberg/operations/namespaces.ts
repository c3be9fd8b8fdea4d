import { AppError } from '../../../base/errors.ts'
import { checkBody, createNamespaceBody, databaseOf, databaseOfPath, pageOf } from '../codec.ts'
import type { Operation } from '../operation.ts'
import { done } from '../operation.ts'
import { maySee, requireSight } from '../sight.ts'

export const listNamespaces: Operation = {
  method: 'GET',
  path: '/namespaces',
  async handle(call) {
    const { store, principal, query } = call
    if (query['parent'] !== undefined && query['parent'] !== '') {
      await requireSight(call, databaseOf(query['parent'].split('\u001f')))
      await store.database(principal.accountId, query['parent'])
      return { status: 200, body: { namespaces: [], 'next-page-token': null } }
    }
    const names: string[] = []
    for (const { name } of await store.listDatabases(principal.accountId))
      if (await maySee(call, name)) names.push(name)
    const { items, next } = pageOf(names, query)
    return { status: 200, body: { namespaces: items.map((name) => [name]), 'next-page-token': next } }
  },
}

export const createNamespace: Operation = {
  method: 'POST',
  path: '/namespaces',
  async handle({ access, store, principal, body }) {
    const { namespace } = checkBody(createNamespaceBody, body)
    const name = databaseOf(namespace)
    await access.require(principal, name, 'full')
    await store.createDatabase(principal.accountId, name)
    return { status: 200, body: { namespace, properties: {} } }
  },
}

export const loadNamespace: Operation = {
  method: 'GET',
  path: '/namespaces/{namespace}',
  async handle(call) {
    const name = databaseOfPath(call.params)
    await requireSight(call, name)
    await call.store.database(call.principal.accountId, name)
    return { status: 200, body: { namespace: [name], properties: {} } }
  },
}

export const namespaceExists: Operation = {
  method: 'HEAD',
  path: '/namespaces/{namespace}',
  async handle(call) {
    await loadNamespace.handle(call)
    return done
  },
}

/** Only empty ones: what drops tables with their database is our own API, where nobody means it by accident. */
export const dropNamespace: Operation = {
  method: 'DELETE',
  path: '/namespaces/{namespace}',
  async handle({ access, store, principal, params }) {
    const name = databaseOfPath(params)
    await access.require(principal, name, 'full')
    const { tableCount } = await store.database(principal.accountId, name)
    if (tableCount > 0) {
      throw new AppError('database_not_empty', `The database "${name}" has ${tableCount} tables.`, {
        hint: 'Drop them first.',
      })
    }
    await store.dropDatabase(principal.accountId, name)
    return done
  },
}
