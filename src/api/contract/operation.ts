import type { z } from 'zod'

import type { IntakeDoor } from '../../collect/rejections.ts'

/**
 * One operation of the REST API as data. The server's routes, the OpenAPI document, the tenant matrix test and the
 * command line all follow from it.
 */
export interface Operation {
  /** Unique; the `operationId` of the OpenAPI document. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `apiPrefix`, with parameters in braces. */
  readonly path: string
  readonly tag: Tag
  /** Where data comes in: what is refused here is counted (see /rejections). */
  readonly door?: IntakeDoor
  readonly summary: string
  readonly description?: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  /** Names in lower case. */
  readonly headers?: z.ZodObject
  readonly body?: z.ZodType | BytesBody
  /** What is answered when all is well, by status. Everything else is a problem (see problem.ts). */
  readonly answers: Readonly<Record<number, Answer>>
}

export type Tag = 'databases' | 'tables' | 'imports' | 'queries' | 'jobs' | 'schedules' | 'access' | 'server'

/** A body that the API takes as it is, without looking inside. */
export interface BytesBody {
  readonly mediaTypes: readonly string[]
  readonly description: string
}

export interface Answer {
  readonly description: string
  /** JSON of this shape; absent where the answer has no body. */
  readonly schema?: z.ZodType
  /** Bytes of one of these media types, instead of JSON. */
  readonly mediaTypes?: readonly string[]
}

export const apiPrefix = '/api/v1'

/** Keeps the exact types of an operation, from which those of its handler follow. */
export function operation<const O extends Operation>(definition: O): O {
  return definition
}

export function isBytesBody(body: Operation['body']): body is BytesBody {
  return body !== undefined && 'mediaTypes' in body
}

type OutputOf<S> = S extends z.ZodType ? z.output<S> : Record<string, never>
type InputOf<S> = S extends z.ZodType ? z.input<S> : undefined

/** What a handler gets, once it was checked. */
export interface OperationInput<O extends Operation> {
  readonly params: OutputOf<O['params']>
  readonly query: OutputOf<O['query']>
  readonly headers: OutputOf<O['headers']>
  readonly body: O['body'] extends BytesBody ? Buffer : OutputOf<O['body']>
}

/** What a handler gives: a status of the operation with the body that belongs to it. */
export type OperationAnswer<O extends Operation> = {
  readonly [Status in keyof O['answers'] & number]: O['answers'][Status] extends { readonly schema: infer S }
    ? { readonly status: Status; readonly body: InputOf<S>; readonly headers?: Readonly<Record<string, string>> }
    : { readonly status: Status; readonly headers?: Readonly<Record<string, string>> }
}[keyof O['answers'] & number]

/** The JSON that a client receives with the status. */
export type AnswerBody<O extends Operation, Status extends keyof O['answers']> = O['answers'][Status] extends {
  readonly schema: infer S
}
  ? OutputOf<S>
  : undefined
