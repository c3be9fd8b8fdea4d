import type { ReadBody } from '../read-body.ts'
import type { RequestHead } from './request-head.ts'

/** A request that brings a body, before any of the body is looked at. */
export interface Upload extends Pick<RequestHead, 'method' | 'url' | 'query' | 'headers'> {
  /** As its sender names it, or the lane: for the answer and the log. */
  readonly requestId: string
  /** What stands in the path in place of `{name}`. */
  readonly params: Readonly<Record<string, string>>
  /** Of the body, as its sender announced them. */
  readonly bytes: number
  /** All of the body lies there with the head: it costs nothing any more to have it. */
  readonly isThere: boolean
  /** Reads the body. It may be called once; where it is not, the body is dropped. Fails with `overloaded` or `request_timeout`. */
  readonly receive: () => Promise<ReadBody>
}

export interface UploadAnswer {
  readonly status: number
  /** `connection: close` ends the connection behind the answer. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Called when the answer is on its way. */
  readonly whenSent?: () => void
}

/** Answers, failures as well: what it throws is a bug, and ends the process. */
export type ServeUpload = (upload: Upload) => Promise<UploadAnswer>

/** A way to send bodies that the lane knows. */
export interface UploadRoute {
  /** POST or PUT: requests with others do not take the lane. */
  readonly method: string
  /** From the root, with parameters in braces. */
  readonly path: string
  /** Of the query. A request with others takes the ordinary way. */
  readonly parameters: readonly string[]
  readonly serve: ServeUpload
}
