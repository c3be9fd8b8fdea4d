import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = import.meta.dirname
const requirements = join(here, 'requirements.txt')

/** Made once for each list of requirements; git ignores the folder. */
const cache = resolve(here, '../../.cache/clients')

/** A Python with the clients in it, from a virtual environment that is made where there is none. */
export async function clientsPython(): Promise<string> {
  const name = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const environment = join(cache, name)
  const python = join(environment, 'bin/python')
  if (existsSync(python)) return python
  mkdirSync(cache, { recursive: true })
  const draft = join(cache, `${name}.${process.pid}`)
  rmSync(draft, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', '--copies', draft])
  await run(join(draft, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], {
    timeout: 540_000,
  })
  // Only a whole one gets the name under which others find it.
  renameSync(draft, environment)
  return python
}

/** Runs a script of this folder to its end and answers the JSON that it prints as its last line. */
export async function runScript(script: string, input: object): Promise<unknown> {
  const process_ = startScript(await clientsPython(), script, input)
  const lines: string[] = []
  for await (const line of process_.lines) lines.push(line)
  const code = await process_.ended
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${lines.join('\n')}\n${process_.errors()}`)
  return JSON.parse(lines.at(-1) ?? 'null')
}

export interface RunningScript {
  readonly child: ChildProcess
  readonly lines: AsyncIterable<string>
  readonly ended: Promise<number | null>
  errors(): string
}

/** Starts a script; it gets `input` as JSON in its first argument. */
export function startScript(python: string, script: string, input: object): RunningScript {
  const child = spawn(python, ['-u', join(here, script), JSON.stringify(input)], { stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (part: Buffer) => (errors = (errors + part.toString()).slice(-20_000)))
  return {
    child,
    lines: createInterface({ input: child.stdout }),
    ended: new Promise((ended, failed) => child.on('close', ended).on('error', failed)),
    errors: () => errors,
  }
}
