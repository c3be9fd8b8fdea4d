import { z } from 'zod'

import { operation } from './operation.ts'
import { id, idText, moment, name, pageOf } from './values.ts'

const role = z.enum(['owner', 'admin', 'member'])
const keyKind = z.enum(['full', 'query', 'import'])
const privilege = z.enum(['query', 'import', 'full'])

export const user = z.object({ id, email: z.string(), name: z.string(), role, created_at: moment }).meta({ id: 'User' })

export const apiKey = z
  .object({
    id,
    user_id: id,
    kind: keyKind,
    description: z.string(),
    origins: z
      .array(z.string())
      .describe('The web pages that may use it, such as `https://*.example.com`; all may where the list is empty.'),
    hint: z.string().describe('The last four characters.'),
    created_at: moment,
    last_used_at: moment.nullable(),
  })
  .meta({ id: 'ApiKey' })

export const permission = z
  .object({ user_id: id, database: z.string(), privilege: privilege.nullable() })
  .meta({ id: 'Permission' })

export const getAccount = operation({
  id: 'getAccount',
  method: 'GET',
  path: '/account',
  tag: 'access',
  summary: 'Shows whose key this is',
  answers: {
    200: {
      description: 'The account, and what the key is.',
      schema: z.object({
        id,
        name: z.string(),
        created_at: moment,
        user: z.object({ id, role }),
        key: z.object({ id, kind: keyKind }),
      }),
    },
  },
})

export const listKeys = operation({
  id: 'listKeys',
  method: 'GET',
  path: '/keys',
  tag: 'access',
  summary: 'Lists API keys',
  answers: { 200: { description: 'The keys, without their secrets.', schema: pageOf(apiKey) } },
})

export const createKey = operation({
  id: 'createKey',
  method: 'POST',
  path: '/keys',
  tag: 'access',
  summary: 'Makes an API key',
  body: z.strictObject({
    user_id: id.optional().describe('Whose key; your own by default.'),
    kind: keyKind,
    description: z.string().max(500).default(''),
    origins: z
      .array(z.string().max(300))
      .max(50)
      .default([])
      .describe('Binds a key of the kind `import` to the web pages that may use it.'),
  }),
  answers: {
    201: {
      description: 'The key.',
      schema: apiKey.extend({ key: z.string().describe('The key itself, shown this once.') }),
    },
  },
})

export const deleteKey = operation({
  id: 'deleteKey',
  method: 'DELETE',
  path: '/keys/{key}',
  tag: 'access',
  summary: 'Revokes an API key',
  params: z.object({ key: idText }),
  answers: { 204: { description: 'It opens nothing any more.' } },
})

export const listUsers = operation({
  id: 'listUsers',
  method: 'GET',
  path: '/users',
  tag: 'access',
  summary: 'Lists the users of the account',
  answers: { 200: { description: 'The users.', schema: pageOf(user) } },
})

export const createUser = operation({
  id: 'createUser',
  method: 'POST',
  path: '/users',
  tag: 'access',
  summary: 'Makes a user',
  body: z.strictObject({ email: z.email().max(320), name, role: role.default('member') }),
  answers: { 201: { description: 'The user.', schema: user } },
})

export const deleteUser = operation({
  id: 'deleteUser',
  method: 'DELETE',
  path: '/users/{user}',
  tag: 'access',
  summary: 'Removes a user with the keys and permissions',
  params: z.object({ user: idText }),
  answers: { 204: { description: 'The user is gone.' } },
})

export const setPassword = operation({
  id: 'setPassword',
  method: 'PUT',
  path: '/users/{user}/password',
  tag: 'access',
  summary: 'Sets the password of a user',
  params: z.object({ user: idText }),
  body: z.strictObject({ password: z.string().describe('8 to 256 characters, whichever they are.') }),
  answers: { 204: { description: 'The user can sign in with it, where a client asks for a password.' } },
})

export const removePassword = operation({
  id: 'removePassword',
  method: 'DELETE',
  path: '/users/{user}/password',
  tag: 'access',
  summary: 'Takes the password of a user away',
  params: z.object({ user: idText }),
  answers: { 204: { description: 'Keys alone open something; those that there are stay.' } },
})

const permissionPath = z.object({ user: idText, database: name })

export const listPermissions = operation({
  id: 'listPermissions',
  method: 'GET',
  path: '/users/{user}/permissions',
  tag: 'access',
  summary: 'Lists what a user may do in which database',
  params: z.object({ user: idText }),
  answers: { 200: { description: 'The permissions.', schema: pageOf(permission) } },
})

export const getPermission = operation({
  id: 'getPermission',
  method: 'GET',
  path: '/users/{user}/permissions/{database}',
  tag: 'access',
  summary: 'Shows what a user may do in a database',
  params: permissionPath,
  answers: { 200: { description: 'The permission; `privilege` is null where there is none.', schema: permission } },
})

export const putPermission = operation({
  id: 'putPermission',
  method: 'PUT',
  path: '/users/{user}/permissions/{database}',
  tag: 'access',
  summary: 'Sets what a user may do in a database',
  params: permissionPath,
  body: z.strictObject({ privilege }),
  answers: { 200: { description: 'The permission.', schema: permission } },
})

export const deletePermission = operation({
  id: 'deletePermission',
  method: 'DELETE',
  path: '/users/{user}/permissions/{database}',
  tag: 'access',
  summary: 'Takes away what a user may do in a database',
  params: permissionPath,
  answers: { 204: { description: 'The user may do nothing there.' } },
})
