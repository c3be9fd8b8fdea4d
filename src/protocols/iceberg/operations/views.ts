import type { IcebergView } from '../../../store/iceberg.ts'
import { checkBody, databaseOfPath, identifierOf, pageOf, renameBody, tableOfPath } from '../codec.ts'
import type { Answer, Operation } from '../operation.ts'
import { done } from '../operation.ts'
import { requireSight } from '../sight.ts'
import { createViewBody, replaceViewBody, viewUpdateOf } from '../view-codec.ts'

const answer = ({ metadataLocation, metadata }: IcebergView): Answer => ({
  status: 200,
  body: { 'metadata-location': metadataLocation, metadata, config: {} },
})

export const listViews: Operation = {
  method: 'GET',
  path: '/namespaces/{namespace}/views',
  async handle(call) {
    const database = databaseOfPath(call.params)
    await requireSight(call, database)
    const { items, next } = pageOf(await call.catalog.views.list(call.principal.accountId, database), call.query)
    const identifiers = items.map((name) => ({ namespace: [database], name }))
    return { status: 200, body: { identifiers, 'next-page-token': next } }
  },
}

export const createView: Operation = {
  method: 'POST',
  path: '/namespaces/{namespace}/views',
  async handle({ access, catalog, principal, params, body }) {
    const database = databaseOfPath(params)
    await access.require(principal, database, 'full')
    const { name, schema, 'view-version': version, properties } = checkBody(createViewBody, body)
    const definition = { schema, version, properties: properties ?? {} }
    return answer(await catalog.views.create(principal.accountId, { database, name }, definition))
  },
}

export const loadView: Operation = {
  method: 'GET',
  path: '/namespaces/{namespace}/views/{view}',
  async handle(call) {
    const view = tableOfPath(call.params)
    await requireSight(call, view.database)
    return answer(await call.catalog.views.load(call.principal.accountId, view))
  },
}

export const viewExists: Operation = {
  method: 'HEAD',
  path: '/namespaces/{namespace}/views/{view}',
  async handle(call) {
    await loadView.handle(call)
    return done
  },
}

export const replaceView: Operation = {
  method: 'POST',
  path: '/namespaces/{namespace}/views/{view}',
  async handle({ access, catalog, principal, params, body }) {
    const view = tableOfPath(params)
    await access.require(principal, view.database, 'full')
    const { requirements, updates } = checkBody(replaceViewBody, body)
    const uuid = requirements?.[0]?.uuid
    const changes = updates.flatMap(viewUpdateOf)
    return answer(await catalog.views.replace(principal.accountId, view, uuid, changes))
  },
}

export const dropView: Operation = {
  method: 'DELETE',
  path: '/namespaces/{namespace}/views/{view}',
  async handle({ access, catalog, principal, params }) {
    const view = tableOfPath(params)
    await access.require(principal, view.database, 'full')
    await catalog.views.drop(principal.accountId, view)
    return done
  },
}

export const renameView: Operation = {
  method: 'POST',
  path: '/views/rename',
  async handle({ access, catalog, principal, body }) {
    const names = checkBody(renameBody, body)
    const [from, to] = [identifierOf(names.source), identifierOf(names.destination)]
    await access.require(principal, from.database, 'full')
    await access.require(principal, to.database, 'full')
    await catalog.views.rename(principal.accountId, from, to)
    return done
  },
}
