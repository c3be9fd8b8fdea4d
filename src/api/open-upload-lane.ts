import type { Clock } from '../base/clock.ts'
import type { BodyBudget } from '../base/http/read-body.ts'
import { UploadLane } from '../base/http/uploads/upload-lane.ts'
import type { Randomness } from '../base/randomness.ts'
import type { ApiMetrics } from './metrics.ts'
import { requestIds } from './request-ids.ts'
import type { ApiLimits } from './server.ts'

export interface UploadLaneParts {
  readonly budget: BodyBudget
  readonly limits: ApiLimits
  readonly clock: Clock
  readonly randomness: Randomness
  readonly metrics: Pick<ApiMetrics, 'answers'>
}

/** The lane for large bodies, to which all APIs of the server add their ways, with the names and the counts of requests. */
export function openUploadLane({ budget, limits, clock, randomness, metrics }: UploadLaneParts): UploadLane {
  const { bodyBytesMax: bytesMax, bodySilenceMsMax: silenceMsMax, requestMsMax } = limits
  return new UploadLane({
    budget,
    clock,
    requestMsMax,
    body: { bytesMax, silenceMsMax },
    requestId: requestIds(randomness),
    onAnswer: (route, method, status, seconds) => metrics.answers.of(route).note(method, status, seconds),
  })
}
