import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'

import { AppError, must } from '../../base/errors.ts'
import { systemDisk } from '../../base/disk.ts'
import { openLog } from '../../base/log.ts'
import type { Service } from '../../base/service.ts'
import { noteRole } from '../predecessors.ts'
import type { ListeningSocket, ListeningSockets } from '../role-messages.ts'
import type { Role } from '../role-process.ts'
import { runRole } from '../role-process.ts'

// A role whose one service does what the environment asks for; `listen` answers each request with its process id, and `work` has work in
// hand until the file MARK is there, beside which it then says that it is done. `listen unheard` has its supervisor stand still before it
// hands its socket over, and writes its process id into MARK when it has. `listen late` says that it is loaded when
// MARK is there. Where there are NOTES, it notes itself in that directory, and beside it that a `listen` has started, and that one was drained.
const manner = process.env['MANNER']
const mark = process.env['MARK'] ?? ''
const notes = process.env['NOTES']

const log = openLog('silent')

await runRole(log, async (begun) => {
  const { previous, sockets } = await begun(manner === 'listen late' ? workInHand() : undefined)
  if (manner === 'break' && previous !== null) throw new Error('the new code is broken')
  const role = manner?.startsWith('listen') ? listening(previous, sockets) : plain(previous)
  return notes === undefined
    ? role
    : { ...role, note: () => noteRole({ disk: systemDisk, directory: notes, log }, 'api') }
})

function plain(previous: unknown): Role {
  const service: Service = {
    name: 'fixture',
    async start() {
      if (manner === 'refuse') throw new AppError('startup', 'The port 8040 is taken.', { hint: 'Take another.' })
      if (manner === 'exit early') process.exit(3)
      if (manner === 'lose once' && !existsSync(mark)) {
        writeFileSync(mark, '')
        throw new AppError('database_unavailable', 'PostgreSQL cannot be reached.')
      }
      if (manner === 'die') void setTimeout(20).then(() => Promise.reject(new Error('a bug')))
      if (manner === 'wait') await setTimeout(600_000)
      setInterval(() => {}, 1000)
    },
    async drain() {
      if (manner === 'stick') await setTimeout(600_000)
      if (manner === 'work') await workInHand()
    },
    async stop() {
      if (manner === 'stick') await setTimeout(600_000)
    },
  }
  return { services: [service], announce: () => ({ pid: process.pid, previous }) }
}

async function workInHand(): Promise<void> {
  while (!existsSync(mark)) await setTimeout(20)
  writeFileSync(`${mark}.${process.pid}`, '')
}

function listening(previous: unknown, sockets: ListeningSockets): Role {
  const socket = sockets.get('http')
  const server = createServer((_, response) => void setTimeout(20).then(() => response.end(String(process.pid))))
  const service: Service = {
    name: 'fixture',
    async start() {
      await new Promise<void>((resolve) => void server.listen(socket ?? { port: 0, host: '127.0.0.1' }, resolve))
      if (manner === 'listen unheard') process.kill(process.ppid, 'SIGSTOP')
      if (manner === 'listen late') await setTimeout(100)
      if (notes !== undefined) writeFileSync(`${notes}.started.${process.pid}`, '')
    },
    async drain() {
      await new Promise<void>((resolve) => void server.close(() => resolve()))
      if (notes !== undefined) writeFileSync(`${notes}.drained.${process.pid}`, '')
    },
    stop: async () => server.closeAllConnections(),
  }
  return {
    services: [service],
    announce() {
      if (manner === 'listen unheard') writeFileSync(mark, String(process.pid))
      return { port: (server.address() as AddressInfo).port, previous }
    },
    sockets: () => new Map([['http', must((server as { readonly _handle?: ListeningSocket })._handle, 'it listens')]]),
  }
}
