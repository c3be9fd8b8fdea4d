import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { external, externalEnvironment } from './external.ts'

const main = resolve(import.meta.dirname, '../../dist/cli/main.js')

/** Where all servers of a test run log to, for those who look for a fault. */
const logFile = process.env['BIWA_TEST_LOG']

export interface BiwaOptions {
  readonly dataDirectory?: string
  readonly port?: number
  readonly sample?: boolean
  readonly environment?: Readonly<Record<string, string>>
  readonly arguments?: readonly string[]
  /** Another built command than that of this repository. */
  readonly program?: string
}

/** A whole Biwa of its own: the built command, as a user would start it, on a free port in a temporary directory. */
export interface Biwa {
  readonly url: string
  readonly apiKey: string
  readonly dataDirectory: string
  readonly supervisor: ChildProcess
  /** Everything the server wrote to standard error so far. */
  readonly log: () => string
  /** Everything it wrote to standard output. */
  readonly output: () => string
  /** A request with the key; the path starts with a slash. */
  readonly request: (path: string, init?: RequestInit) => Promise<Response>
  /**
   * Ends the server as Ctrl-C does, and removes the directory when it was made for this server, or for one before it that was told to
   * keep it.
   */
  readonly stop: (options?: { keep?: boolean }) => Promise<number | null>
}

/** Directories that were made here and wait for the next server. */
const kept = new Set<string>()

export async function startBiwa(options: BiwaOptions = {}): Promise<Biwa> {
  if (!existsSync(main)) throw new Error('the tests of the whole server run what was built: npm run build')
  const temporary = options.dataDirectory === undefined || kept.delete(options.dataDirectory)
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'biwa-test-'))
  const backend = external ? await externalEnvironment(dataDirectory) : {}
  const supervisor = spawn(process.execPath, commandLine(options, dataDirectory), {
    env: { ...process.env, ...backend, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  let output = ''
  supervisor.stderr.on('data', (part: Buffer) => {
    log = (log + part.toString()).slice(-200_000)
    if (logFile !== undefined) appendFileSync(logFile, part)
  })
  supervisor.stdout.on('data', (part: Buffer) => (output += part.toString()))
  await new Promise<void>((ready, fail) => {
    const timer = setTimeout(() => fail(new Error(`not ready in time:\n${output}\n${log}`)), 300_000)
    supervisor.stdout.on('data', () => {
      if (!/^Biwa is ready/m.test(output)) return
      clearTimeout(timer)
      ready()
    })
    supervisor.on('exit', (code) => {
      clearTimeout(timer)
      fail(new Error(`ended with ${code} before it was ready:\n${output}\n${log}`))
    })
  })
  const credentials = JSON.parse(readFileSync(join(dataDirectory, 'credentials.json'), 'utf8')) as {
    url: string
    api_key: string
  }
  return {
    url: credentials.url,
    apiKey: credentials.api_key,
    dataDirectory,
    supervisor,
    log: () => log,
    output: () => output,
    request: (path, init) => request(credentials.url + path, credentials.api_key, init),
    async stop({ keep = false } = {}) {
      const code = await ended(supervisor)
      if (temporary && keep) kept.add(dataDirectory)
      else if (temporary) rmSync(dataDirectory, { recursive: true, force: true })
      return code
    },
  }
}

function commandLine(options: BiwaOptions, dataDirectory: string): string[] {
  return [
    options.program ?? main,
    'serve',
    `--data-dir=${dataDirectory}`,
    `--port=${options.port ?? 0}`,
    ...(options.sample === true ? [] : ['--no-sample']),
    ...(options.arguments ?? []),
  ]
}

function request(url: string, apiKey: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (!headers.has('authorization')) headers.set('authorization', `Bearer ${apiKey}`)
  if (typeof init.body === 'string' && !headers.has('content-type')) headers.set('content-type', 'application/json')
  return fetch(url, { ...init, headers })
}

async function ended(supervisor: ChildProcess): Promise<number | null> {
  if (supervisor.exitCode !== null || supervisor.signalCode !== null) return supervisor.exitCode
  const exit = new Promise<number | null>((resolveExit) => supervisor.once('exit', resolveExit))
  supervisor.kill('SIGINT')
  return exit
}

/** Runs the built command line once, against a server. */
export async function runCli(
  biwa: Pick<Biwa, 'url' | 'apiKey'>,
  arguments_: readonly string[],
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...arguments_], {
    env: { ...process.env, BIWA_URL: biwa.url, BIWA_API_KEY: biwa.apiKey, NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()))
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()))
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolveExit) => child.once('close', resolveExit))
  return { code, stdout, stderr }
}

/** Kills a process, and says whether it was still there. */
export function strikeDead(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** The processes below `pid`, deepest last, with their command lines and the ticks of the clock when they began (Linux). */
export function descendants(pid: number): { pid: number; command: string; bornAt: number }[] {
  const parents = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = lineageOf(Number(name))?.parent
    if (parent !== undefined) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)])
  }
  const below = (root: number): number[] => (parents.get(root) ?? []).flatMap((child) => [child, ...below(child)])
  return below(pid).map((child) => ({
    pid: child,
    command: commandOf(child),
    bornAt: lineageOf(child)?.bornAt ?? Infinity,
  }))
}

/** The fields 4 and 22 of /proc/pid/stat (proc(5)). */
function lineageOf(pid: number): { readonly parent: number; readonly bornAt: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(fields[4 - 3]), bornAt: Number(fields[22 - 3]) }
  } catch {
    return undefined
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}
