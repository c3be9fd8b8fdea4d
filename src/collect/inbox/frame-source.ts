import { join } from 'node:path'

import { errno } from '../../base/disk.ts'
import type { Disk, DiskFile } from '../../base/disk.ts'
import { AppError, isAppError, must } from '../../base/errors.ts'
import { LentBuffers } from '../../base/lent-buffers.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { BodySource } from '../body.ts'
import { jobBytesMax } from '../limits.ts'
import { inboxNameFile } from './directory-inbox.ts'
import type { FoundFrame } from './frame.ts'
import { decodeFrame } from './frame.ts'
import { FrameHeaders } from './frame-headers.ts'
import type { Segment } from './inbox.ts'
import { waitingBytes } from './inbox-objects.sql.ts'
import { decodeHeader, headerBytes } from './segment-header.ts'
import type { SegmentIdentity } from './segment-header.ts'

/** What a worker reads frames from. */
export interface FrameSourceOptions {
  /** The directory of this machine's inbox; there may be none. */
  readonly directory: string
  readonly disk: Disk
  readonly objects: ObjectStore | undefined
  readonly postgres: Postgres | undefined
}

/** Bytes `[from, to)` of a segment. */
export type Span = readonly [from: number, to: number]

export interface ReadFrames {
  readonly frames: readonly FoundFrame[]
  /** What was read, in which each frame begins where the one before ends. */
  readonly stretches: readonly Span[]
  /** Stretches in which the frames that should be there are damaged. */
  readonly damaged: readonly { readonly from: number; readonly bytes: Buffer }[]
}

/** An open segment, in a local file. */
export interface FrameSource extends BodySource {
  read(spans: readonly Span[]): Promise<ReadFrames>
  close(): Promise<void>
}

/**
 * Opens a segment for reading; undefined where it was released, and so everything in it was dealt with. A segment that
 * this machine cannot see is `inbox_unavailable`: another worker may see it.
 */
export async function openFrameSource(segment: Segment, options: FrameSourceOptions): Promise<FrameSource | undefined> {
  const { disk } = options
  if (segment.kind === 'object') return await openObject(segment, options)
  await requireInbox(segment, options)
  try {
    return await openFile(join(options.directory, segment.name), segment.id, disk, () => {})
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}

async function openObject(
  segment: Segment & { kind: 'object' },
  { disk, ...options }: FrameSourceOptions,
): Promise<FrameSource | undefined> {
  const objects = must(options.objects, 'a worker of an inbox in the object store has one')
  const postgres = must(options.postgres, 'a worker of an inbox in the object store has a database')
  const bytes = await waitingBytes(postgres, segment.key)
  if (bytes === undefined) return undefined
  try {
    const local = await objects.materialize(segment.key, { bytes })
    const source = await openFile(local.path, segment.id, disk, () => local.release())
    if (source !== undefined) return source
  } catch (error) {
    // It may have been released meanwhile.
    const isMissing = isAppError(error, 'object_not_found')
    if (isMissing && (await waitingBytes(postgres, segment.key)) === undefined) return undefined
    if (!isAppError(error, 'object_damaged')) throw error
    throw unreadable(segment.key, error)
  }
  throw unreadable(segment.key)
}

/** Acknowledged bodies are not given up for a file that cannot be read right now: the job is tried for hours. */
function unreadable(name: string, cause?: unknown): AppError {
  return new AppError('inbox_unavailable', `"${name}" of the inbox is not what was written there.`, {
    hint: 'It holds acknowledged bodies. Bring it back from a backup; Biwa goes on by itself.',
    cause,
  })
}

async function openFile(path: string, id: string, disk: Disk, release: () => void): Promise<FrameSource | undefined> {
  const file = await disk.open(path, 'read')
  const identity = decodeHeader(await file.read(0, headerBytes))
  const close = async (): Promise<void> => {
    await file.close()
    release()
  }
  if (identity?.id !== id) {
    await close()
    return undefined
  }
  const own: OpenSegment = { path, file, identity }
  return { path, read: (spans) => readSpans(own, spans), readBody: (frame) => readBody(own, frame), close }
}

interface OpenSegment {
  readonly path: string
  readonly file: DiskFile
  readonly identity: SegmentIdentity
}

/** Spans are looked through and forgotten, a few megabytes for each job, and two jobs at a time. */
const rooms = new LentBuffers(4 * jobBytesMax)

async function readSpans(own: OpenSegment, spans: readonly Span[]): Promise<ReadFrames> {
  const headers = new FrameHeaders()
  const frames: FoundFrame[] = []
  const stretches: Span[] = []
  const damaged: { from: number; bytes: Buffer }[] = []
  for (const [from, to] of spans) {
    await rooms.use(to - from, async (room) => {
      const bytes = await readWhole(own, from, to, room)
      let at = 0
      while (at < bytes.byteLength) {
        const frame = decodeFrame(bytes, at, from, own.identity.token, headers)
        if (frame === undefined) {
          // Lengths cannot be trusted here: whatever is left of the span is kept as it is.
          damaged.push({ from: from + at, bytes: Buffer.from(bytes.subarray(at)) })
          break
        }
        frames.push(frame)
        at = frame.to - from
      }
      stretches.push([from, from + at])
    })
  }
  return { frames, stretches, damaged }
}

/** Looked at anew: where another attempt is done with the frame, the segment may have been released, and have other frames there now. */
async function readBody(own: OpenSegment, { from, to, bodyFrom, bodyTo }: FoundFrame): Promise<Buffer> {
  const bytes = await readWhole(own, from, to)
  if (decodeFrame(bytes, 0, from, own.identity.token, new FrameHeaders()) === undefined) throw unreadable(own.path)
  return bytes.subarray(bodyFrom - from, bodyTo - from)
}

/** Fewer frames than were acknowledged would pass for all of them. */
async function readWhole({ file, path }: OpenSegment, from: number, to: number, room?: Buffer): Promise<Buffer> {
  const bytes = await file.read(from, to - from, room)
  if (bytes.byteLength < to - from) throw unreadable(path)
  return bytes
}

async function requireInbox(segment: Segment & { kind: 'file' }, options: FrameSourceOptions): Promise<void> {
  const path = join(options.directory, inboxNameFile)
  if ((await options.disk.stat(path)) !== undefined) {
    const file = await options.disk.open(path, 'read')
    const name = await file.read(0, 64).finally(() => file.close())
    if (name.toString() === segment.inbox) return
  }
  throw new AppError('inbox_unavailable', `The inbox ${segment.inbox} is not on this machine.`, {
    hint: 'Run a worker on the machine whose api role wrote to it, or use an object store that all of them share.',
  })
}
