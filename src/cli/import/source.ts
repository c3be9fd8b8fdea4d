import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable, pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'

import { errno } from '../../base/disk.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, usage } from '../failure.ts'
import type { Terminal } from '../terminal.ts'

/** A file, or standard input, to be imported. */
export interface Source {
  readonly name: string
  /** Undefined for standard input, which has no length. */
  readonly bytesTotal: number | undefined
  /** The inflated content, to be read once. */
  readonly chunks: AsyncIterable<Buffer>
  /** How much of `bytesTotal` was read so far. */
  bytesRead(): number
}

/** Opens `path`, or standard input for `-`. A name that ends with .gz, .br or .zst is inflated on the way. */
export async function openSource(terminal: Terminal, path: string): Promise<Source> {
  const isInput = path === '-'
  const bytesTotal = isInput ? undefined : await fileSize(path)
  let bytesRead = 0
  async function* counted(): AsyncGenerator<Buffer> {
    const raw: AsyncIterable<Buffer> = isInput ? terminal.stdin : createReadStream(path, { highWaterMark: 1 << 20 })
    for await (const chunk of raw) {
      bytesRead += chunk.byteLength
      yield chunk
    }
  }
  return {
    name: isInput ? '-' : basename(path),
    bytesTotal,
    chunks: inflated(path, counted()),
    bytesRead: () => bytesRead,
  }
}

async function fileSize(path: string): Promise<number> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) throw usage(`${path} is a directory.`, `Name its files, for example ${path}/*.`)
    return found.size
  } catch (error) {
    if (error instanceof Failure) throw error
    const code = errno(error)
    const message =
      code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read (${code ?? 'unknown reason'}).`
    throw usage(message, 'Check the path and its permissions.')
  }
}

function inflated(path: string, chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  if (path.endsWith('.gz')) return through(path, chunks, createGunzip({ chunkSize: 1 << 20 }))
  if (path.endsWith('.br')) return through(path, chunks, createBrotliDecompress({ chunkSize: 1 << 20 }))
  return path.endsWith('.zst') ? throughZstandard(path, chunks) : chunks
}

async function* through(
  path: string,
  chunks: AsyncIterable<Buffer>,
  inflater: ReturnType<typeof createGunzip>,
): AsyncGenerator<Buffer> {
  // The failure reaches the loop below, because the pipeline destroys the inflater with it.
  pipeline(Readable.from(chunks), inflater, () => {})
  try {
    yield* inflater as AsyncIterable<Buffer>
  } catch (error) {
    throw corrupted(path, error)
  }
}

async function* throughZstandard(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd')
  const ready: Buffer[] = []
  const inflater = new Decompress((data) => ready.push(Buffer.from(data)))
  try {
    for await (const chunk of chunks) {
      inflater.push(chunk)
      yield* ready.splice(0)
    }
    inflater.push(new Uint8Array(), true)
    yield* ready.splice(0)
  } catch (error) {
    throw corrupted(path, error)
  }
}

function corrupted(path: string, cause: unknown): unknown {
  const isSystemError = errno(cause)?.startsWith('E') === true
  if (isSystemError || cause instanceof Failure) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new Failure(exitCodes.usage, `${path} cannot be inflated: ${reason}.`, {
    hint: 'The file is damaged, or its name ends with what it is not.',
    cause,
  })
}
