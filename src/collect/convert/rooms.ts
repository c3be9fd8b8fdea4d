import type { NativeGunzip } from '../../base/gzip/native-gunzip.ts'
import { KeptMemory } from '../../base/kept-memory.ts'
import { LentBuffers } from '../../base/lent-buffers.ts'
import { splitBytesMax } from '../limits.ts'

/** Memory that one conversion has after the other. */
export interface Rooms {
  /** Inflates into memory of its own. */
  readonly gunzip?: NativeGunzip | undefined
  /** Of bodies as they were read, until they are inflated. */
  readonly bodies: LentBuffers
  /** Of the columns of a batch, until they are encoded. */
  readonly columns: KeptMemory
}

/** Most bodies are smaller. */
const bodyRoomBytes = 4 * 2 ** 20

/** Columns take more than their bodies, what they outgrew waits with them for the end of the batch, and a room may be half empty. */
const columnRoomBytes = 4 * splitBytesMax

export function newRooms(gunzip?: NativeGunzip): Rooms {
  return { gunzip, bodies: new LentBuffers(bodyRoomBytes), columns: new KeptMemory(columnRoomBytes) }
}
