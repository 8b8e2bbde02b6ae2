import type { z } from 'zod'
import type { ErrorCode } from '../../services/common/src/errors.ts'
import { type ComponentName, type JsonSchema, ref } from './components.ts'

/** A body by its media type. */
export type Content = Record<string, { schema: JsonSchema; example?: unknown }>

/** What the table of allowed routes does not know of an operation. */
export interface Operation {
  /** The method of the TypeScript client, which is the `operationId`. */
  id: string
  summary: string
  description?: string
  /** The query, as the service validates it. */
  query?: z.ZodObject
  /** An example for each parameter of path and query that has one; they run as they are. */
  parameters?: Record<string, string | number | boolean>
  /** The body by media type. */
  request?: Content
  answer: Content
  /** Headers of the answer beside those that every answer has. */
  headers?: AnswerHeader[]
  /** Errors that this operation alone can come to; the rest follows from the route. */
  errors?: ErrorCode[]
}

export type AnswerHeader =
  | 'Link'
  | 'Idempotency-Replayed'
  | 'Cache-Control'
  | 'Content-Disposition'
  | 'ETag'

/** By method and path, as in the table of allowed routes. */
export type Operations = Record<string, Operation>

/** A component as JSON. */
export function json(name: ComponentName, example?: unknown): Content {
  return media('application/json', { $ref: ref(name) }, example)
}

/** An array of a component as JSON. */
export function listOf(name: ComponentName): Content {
  return media('application/json', { type: 'array', items: { $ref: ref(name) } })
}

export function media(type: string, schema: JsonSchema, example?: unknown): Content {
  return { [type]: { schema, ...(example !== undefined && { example }) } }
}
