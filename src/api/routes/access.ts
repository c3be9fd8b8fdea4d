import type { Access, ApiKey, DatabasePermission, User } from '../../access/access.ts'
import {
  createKey,
  createUser,
  deleteKey,
  deletePermission,
  deleteUser,
  removePassword,
  setPassword,
  getAccount,
  getPermission,
  listKeys,
  listPermissions,
  listUsers,
  putPermission,
} from '../contract/access.ts'
import { serveOperation } from '../serve-operation.ts'
import type { OperationHost } from '../serve-operation.ts'
import { requireFullKey } from '../sight.ts'

export function serveAccess(host: OperationHost, access: Access): void {
  serveOperation(host, getAccount).with(async ({ principal }) => {
    const { id, name, createdAt } = await access.account(principal)
    const user = { id: principal.userId, role: principal.role }
    const key = { id: principal.keyId, kind: principal.keyKind }
    return { status: 200, body: { id, name, created_at: createdAt.toISOString(), user, key } }
  })
  serveKeys(host, access)
  serveUsers(host, access)
  servePermissions(host, access)
}

function serveKeys(host: OperationHost, access: Access): void {
  serveOperation(host, listKeys).with(async ({ principal }) => {
    requireFullKey(principal)
    const items = (await access.listKeys(principal)).map(keyJson)
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, createKey).with(async ({ principal, body }) => {
    requireFullKey(principal)
    const { apiKey, key } = await access.createKey(principal, {
      kind: body.kind,
      description: body.description,
      origins: body.origins,
      ...(body.user_id !== undefined && { userId: body.user_id }),
    })
    return { status: 201, body: { ...keyJson(apiKey), key } }
  })

  serveOperation(host, deleteKey).with(async ({ principal, params }) => {
    requireFullKey(principal)
    await access.revokeKey(principal, params.key)
    return { status: 204 }
  })
}

function serveUsers(host: OperationHost, access: Access): void {
  serveOperation(host, listUsers).with(async ({ principal }) => {
    requireFullKey(principal)
    const items = (await access.listUsers(principal)).map(userJson)
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, createUser).with(async ({ principal, body }) => {
    requireFullKey(principal)
    return { status: 201, body: userJson(await access.createUser(principal, body)) }
  })

  serveOperation(host, deleteUser).with(async ({ principal, params }) => {
    requireFullKey(principal)
    await access.deleteUser(principal, params.user)
    return { status: 204 }
  })

  serveOperation(host, setPassword).with(async ({ principal, params, body }) => {
    requireFullKey(principal)
    await access.setPassword(principal, params.user, body.password)
    return { status: 204 }
  })

  serveOperation(host, removePassword).with(async ({ principal, params }) => {
    requireFullKey(principal)
    await access.setPassword(principal, params.user, null)
    return { status: 204 }
  })
}

function servePermissions(host: OperationHost, access: Access): void {
  serveOperation(host, listPermissions).with(async ({ principal, params }) => {
    requireFullKey(principal)
    const items = (await access.listPermissions(principal, params.user)).map(permissionJson)
    return { status: 200, body: { items, next_cursor: null } }
  })

  serveOperation(host, getPermission).with(async ({ principal, params: { user, database } }) => {
    requireFullKey(principal)
    const permissions = await access.listPermissions(principal, user)
    const privilege = permissions.find((permission) => permission.database === database)?.privilege ?? null
    return { status: 200, body: { user_id: user, database, privilege } }
  })

  serveOperation(host, putPermission).with(async ({ principal, params: { user, database }, body: { privilege } }) => {
    requireFullKey(principal)
    await access.setPermission(principal, user, database, privilege)
    return { status: 200, body: { user_id: user, database, privilege } }
  })

  serveOperation(host, deletePermission).with(async ({ principal, params: { user, database } }) => {
    requireFullKey(principal)
    await access.setPermission(principal, user, database, null)
    return { status: 204 }
  })
}

function keyJson({ id, userId, kind, description, origins, hint, createdAt, lastUsedAt }: ApiKey) {
  return {
    id,
    user_id: userId,
    kind,
    description,
    origins: [...origins],
    hint,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
  }
}

function userJson({ id, email, name, role, createdAt }: User) {
  return { id, email, name, role, created_at: createdAt.toISOString() }
}

function permissionJson({ userId, database, privilege }: DatabasePermission) {
  return { user_id: userId, database, privilege }
}
