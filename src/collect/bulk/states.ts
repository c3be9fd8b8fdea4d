/** Where a bulk import stands. */
export type BulkStatus = 'uploading' | 'performing' | 'ready' | 'committing' | 'committed'

export interface BulkState {
  readonly status: BulkStatus
  /** No part comes or goes any more. */
  readonly frozen: boolean
}

/** What somebody asks of a bulk import. Asked again after it was done, each finds the same state and changes nothing. */
export type BulkCommand = 'change_parts' | 'freeze' | 'unfreeze' | 'perform' | 'commit' | 'delete'

/** How the job of a step ended. */
export type BulkOutcome = 'performed' | 'perform_failed' | 'committed' | 'commit_failed'

export type BulkEvent = BulkCommand | BulkOutcome

export const uploading: BulkState = { status: 'uploading', frozen: false }
const frozen = (status: BulkStatus): BulkState => ({ status, frozen: true })

/**
 * The state that follows, or undefined where the event cannot happen in the state.
 *
 * | event            | uploading  | frozen ¹   | performing  | ready       | committing  | committed |
 * | ---------------- | ---------- | ---------- | ----------- | ----------- | ----------- | --------- |
 * | `change_parts`   | itself     | –          | –           | –           | –           | –         |
 * | `freeze`         | frozen     | itself     | itself      | itself      | itself      | itself    |
 * | `unfreeze`       | itself     | uploading  | –           | uploading ² | –           | –         |
 * | `perform`        | performing | performing | itself      | performing ²| –           | –         |
 * | `commit`         | –          | –          | –           | committing  | itself      | itself    |
 * | `delete`         | itself     | itself     | itself ³    | itself      | –           | itself    |
 * | `performed`      | –          | –          | ready       | –           | –           | –         |
 * | `perform_failed` | –          | –          | frozen      | –           | –           | –         |
 * | `committed`      | –          | –          | –           | –           | committed   | –         |
 * | `commit_failed`  | –          | –          | –           | –           | ready       | –         |
 *
 * ¹ `uploading` to clients, with `frozen` beside it.
 * ² What was converted before counts no longer.
 * ³ Its job finds nothing to write its result to.
 *
 * What enforces it: `changeState` in changes.ts holds the row while it asks here, and every change goes through it.
 */
export function stateAfter(state: BulkState, event: BulkEvent): BulkState | undefined {
  switch (state.status) {
    case 'uploading':
      return afterUploading(state, event)
    case 'performing':
      if (event === 'performed') return frozen('ready')
      if (event === 'perform_failed') return frozen('uploading')
      return event === 'freeze' || event === 'perform' || event === 'delete' ? state : undefined
    case 'ready':
      if (event === 'unfreeze') return uploading
      if (event === 'perform') return frozen('performing')
      if (event === 'commit') return frozen('committing')
      return event === 'freeze' || event === 'delete' ? state : undefined
    case 'committing':
      if (event === 'committed') return frozen('committed')
      if (event === 'commit_failed') return frozen('ready')
      return event === 'freeze' || event === 'commit' ? state : undefined
    case 'committed':
      return event === 'freeze' || event === 'commit' || event === 'delete' ? state : undefined
  }
}

function afterUploading(state: BulkState, event: BulkEvent): BulkState | undefined {
  switch (event) {
    case 'change_parts':
      return state.frozen ? undefined : state
    case 'freeze':
      return frozen('uploading')
    case 'unfreeze':
      return uploading
    case 'perform':
      return frozen('performing')
    case 'delete':
      return state
    default:
      return undefined
  }
}
