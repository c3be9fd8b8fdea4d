import type { Command } from 'commander'

import type { Permission, User } from '../answers.ts'
import { askSecret } from '../ask-secret.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { confirm, connect, withConnection, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export function defineUser(user: Command, terminal: Terminal): void {
  withOutput(user.command('list').description('list users')).action(async (flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const users = await client.list<User>('/users')
    await printRows(terminal, rowsOf(['id', 'email', 'name', 'role', 'created_at'], users), flags.format)
  })

  withConnection(user.command('create <email>').description('make a user'))
    .option('--name <name>', 'the name; by default the address')
    .option('--role <role>', 'owner, admin, or member, who may only what is granted', 'member')
    .action(async (email: string, flags: CommonOptions & { name?: string; role: string }) => {
      const client = await connect(terminal, flags)
      const made = await client.post<User>('/users', { email, name: flags.name ?? email, role: flags.role })
      tell(terminal, `User ${made.id}: ${made.email}, ${made.role}. biwa key create --user ${made.id} makes a key.`)
    })

  withConnection(user.command('delete <user>').description('remove a user, by id or address, with the keys'))
    .option('-y, --yes', 'do not ask')
    .option('-n, --dry-run', 'only say who would be removed')
    .action(async (text: string, flags: CommonOptions & { yes?: boolean; dryRun?: boolean }) => {
      const client = await connect(terminal, flags)
      const { id, email } = await findUser(client, text)
      if (flags.dryRun === true) return tell(terminal, `Would remove ${email} with all keys.`)
      await confirm(terminal, `Remove ${email} with all keys?`, flags.yes)
      await client.delete(path`/users/${id}`)
      tell(terminal, `Removed ${email}.`)
    })

  withConnection(user.command('password <user>').description('set the password of a user, by id or address'))
    .option('--remove', 'take it away')
    .addHelpText(
      'after',
      `
Clients that sign in with an address and a password, such as Treasure Data's, get a key for it. Nobody has one
before it is set. It is asked for, or read from standard input.

Examples:
  biwa user password ada@example.com
  biwa user password ada@example.com < password.txt
  biwa user password ada@example.com --remove`,
    )
    .action(async (text: string, flags: CommonOptions & { remove?: boolean }) => {
      const client = await connect(terminal, flags)
      const { id, email } = await findUser(client, text)
      if (flags.remove === true) {
        await client.delete(path`/users/${id}/password`)
        return tell(terminal, `${email} has no password any more.`)
      }
      const password = await askSecret(terminal, `New password of ${email}`)
      await client.send('PUT', path`/users/${id}/password`, { json: { password } })
      tell(terminal, `${email} has a new password.`)
    })

  defineGrants(user, terminal)
}

function defineGrants(user: Command, terminal: Terminal): void {
  withOutput(user.command('grants <user>').description('list what a user may do in which database')).action(
    async (text: string, flags: CommonOptions) => {
      const client = await connect(terminal, flags)
      const { id } = await findUser(client, text)
      const permissions = await client.list<Permission>(path`/users/${id}/permissions`)
      await printRows(terminal, rowsOf(['database', 'privilege'], permissions), flags.format)
    },
  )

  withConnection(
    user.command('grant <user> <database> <privilege>').description('allow query, import or full; none takes it away'),
  ).action(async (text: string, database: string, privilege: string, flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const { id, email } = await findUser(client, text)
    const below = path`/users/${id}/permissions/${database}`
    if (privilege === 'none') await client.delete(below)
    else await client.call('PUT', below, { json: { privilege } })
    tell(terminal, `${email} may do in ${database}: ${privilege === 'none' ? 'nothing' : privilege}.`)
  })
}

/** By id, or by the address that people remember. */
async function findUser(client: Client, text: string): Promise<User> {
  const users = await client.list<User>('/users')
  const found = users.find(({ id, email }) => String(id) === text || email.toLowerCase() === text.toLowerCase())
  if (found !== undefined) return found
  throw new Failure(exitCodes.notFound, `There is no user ${text}.`, { hint: 'biwa user list shows them.' })
}
