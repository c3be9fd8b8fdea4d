import { createHash } from 'node:crypto'

import type { ApiKey, KeyKind, User } from '../../../access/access.ts'
import { AppError } from '../../../base/errors.ts'
import { dateText } from '../codec.ts'
import { openOperation, operation } from '../operation.ts'
import type { Call, OpenCall, Operation } from '../operation.ts'
import { param } from '../sight.ts'

const authenticate = openOperation('POST', '/user/authenticate', async (call) => {
  const { user, key } = await call.access.signIn(fieldOf(call, 'user'), fieldOf(call, 'password'))
  return { body: { user: user.email, apikey: key } }
})

const showUser = operation('GET', '/user/show', async ({ access, principal }) => {
  return { body: userJson(await access.self(principal)) }
})

const listUsers = operation('GET', '/user/list', async ({ access, principal }) => {
  return { body: { users: (await access.listUsers(principal)).map(userJson) } }
})

/** The organization, which clients still send, has no meaning any more. */
const addUser = operation('POST', '/user/add/{name}', async (call) => {
  const name = param(call, 'name')
  const { password } = call.form
  const user = { email: call.form['email'] ?? name, name, role: 'member' } as const
  await call.access.createUser(call.principal, password === undefined ? user : { ...user, password })
  return { body: { user: name, name } }
})

const removeUser = operation('POST', '/user/remove/{name}', async (call) => {
  const user = await findUser(call, param(call, 'name'))
  await call.access.deleteUser(call.principal, user.id)
  return { body: { user: user.name } }
})

const setPassword = operation('POST', '/user/password/change/{name}', async (call) => {
  const user = await findUser(call, param(call, 'name'))
  await call.access.setPassword(call.principal, user.id, fieldOf(call, 'password'))
  return { body: { user: user.name } }
})

const changePassword = operation('POST', '/user/password/change', async (call) => {
  await call.access.changePassword(call.principal, fieldOf(call, 'old_password'), fieldOf(call, 'password'))
  return { body: { user: (await call.access.self(call.principal)).name } }
})

/** What Treasure Data shows whole, Biwa does not have: of a key, its hash and last four characters are kept. */
const listKeys = operation('GET', '/user/apikey/list/{name}', async (call) => {
  const keys = await keysOf(call, await findUser(call, param(call, 'name')))
  return { body: { apikeys: keys.map((key) => maskedKey(call.principal.accountId, key)) } }
})

/** The answer carries the key: it is shown this once. */
const addKey = operation('POST', '/user/apikey/add/{name}', async (call) => {
  const user = await findUser(call, param(call, 'name'))
  const { key } = await call.access.createKey(call.principal, { userId: user.id, kind: 'full', description: 'td' })
  return { body: { user: user.name, apikey: key } }
})

const removeKey = operation('POST', '/user/apikey/remove/{name}', async (call) => {
  const { access, principal } = call
  const user = await findUser(call, param(call, 'name'))
  const text = fieldOf(call, 'apikey')
  const keys = await keysOf(call, user)
  const masked = keys.filter((key) => maskedKey(principal.accountId, key) === text)
  const [key] = masked.length === 1 ? masked : [await access.findKey(principal, text)]
  if (key?.userId !== user.id) {
    throw new AppError('key_not_found', `The user ${user.name} has no such API key.`, {
      hint: 'GET /v3/user/apikey/list shows how the keys of the user end.',
    })
  }
  await access.revokeKey(principal, key.id)
  return { body: { user: user.name } }
})

const keyTypes: Readonly<Record<KeyKind, string>> = { full: 'master', import: 'write_only', query: 'read_only' }

const validateKey = operation('GET', '/user/apikey/validate', async ({ principal }) => {
  return {
    body: {
      key_type: keyTypes[principal.keyKind],
      account_id: principal.accountId,
      user_id: principal.userId,
      administrator: principal.role !== 'member',
    },
  }
})

/** By address, or else by name where one user has it. Whoever administers nothing finds nobody else. */
async function findUser({ access, principal }: Call, name: string): Promise<User> {
  const self = await access.self(principal)
  if (self.email === name) return self
  const users = self.role !== 'member' ? await access.listUsers(principal) : [self]
  const byAddress = users.find(({ email }) => email === name)
  const [byName, namesake] = users.filter((user) => user.name === name)
  if (byAddress !== undefined) return byAddress
  if (byName !== undefined && namesake === undefined) return byName
  const message = namesake === undefined ? `There is no user ${name}.` : `There are several users ${name}.`
  throw new AppError('user_not_found', message, { hint: 'Name users by their e-mail address.' })
}

async function keysOf({ access, principal }: Call, user: User): Promise<ApiKey[]> {
  return (await access.listKeys(principal)).filter(({ userId }) => userId === user.id)
}

function maskedKey(accountId: number, { hint }: ApiKey): string {
  return `${accountId}/${'*'.repeat(8)}${hint}`
}

/** Fails with `invalid_request` where the form lacks it. */
function fieldOf({ form }: OpenCall, name: string): string {
  const text = form[name]
  if (text !== undefined && text !== '') return text
  throw new AppError('invalid_request', `The parameter ${name} is missing.`)
}

/** What Biwa does not know of users is empty: clients in Go want the keys, and text or nothing in them. */
function userJson({ id, name, email, role, createdAt }: User) {
  const [firstName = '', ...more] = name.split(' ')
  return {
    id,
    name,
    first_name: firstName,
    last_name: more.join(' '),
    email,
    phone: null,
    gravatar_url: `https://secure.gravatar.com/avatar/${md5(email.trim().toLowerCase())}?size=80`,
    administrator: role !== 'member',
    created_at: dateText(createdAt),
    updated_at: dateText(createdAt),
    account_owner: role === 'owner',
    organization: null,
    roles: [],
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

export const userOperations: readonly Operation[] = [
  authenticate,
  showUser,
  listUsers,
  addUser,
  removeUser,
  setPassword,
  changePassword,
  listKeys,
  addKey,
  removeKey,
  validateKey,
]
