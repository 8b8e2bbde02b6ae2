import type { WriteStream } from 'node:fs'
import type { Agent } from 'node:http'
import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import type { Line } from '../../faults/load/history.ts'
import { type Answer, type Call, call } from './call.ts'
import type { Draws } from './draws.ts'

/** The tokens of the callers. */
export interface Tokens {
  /** Each of a caller who may do everything. */
  honest: string[]
  /** May read the lineage and nothing else. */
  reader: string
  /** Sends more than a caller may. */
  flooder: string
  /** Counts no more. */
  revoked: string
}

/** A write that can be sent again under its key. */
export interface Written {
  call: Call
  key: string
  kind: 'log' | 'proof' | 'batch' | 'register'
}

/** A decision of the gate as it was answered. */
export interface Answered {
  id: number
  entryHash: string
  allowed: boolean
  decisionId: string
}

/** The last few of something, so that memory does not grow with the run. */
export class Recent<Item> {
  readonly items: Item[] = []
  readonly #most: number
  #next = 0

  constructor(most: number) {
    this.#most = most
  }

  add(item: Item): void {
    this.items[this.#next] = item
    this.#next = (this.#next + 1) % this.#most
  }
}

/** What all calls stand on: where they go, who makes them, and what calls before them have made. */
export class Ground {
  readonly gatewayUrl: string
  readonly port: number
  readonly tokens: Tokens
  readonly aibom: JsonObject
  readonly written = new Recent<Written>(200)
  /** Ids of entries. */
  readonly entries = new Recent<number>(500)
  /** Of those entries that are there to be erased. */
  readonly personal = new Recent<number>(100)
  readonly decisions = new Recent<number>(100)
  readonly sizes = new Recent<number>(50)
  readonly holds = new Recent<number>(20)
  readonly #agent: Agent
  readonly #files: { history: WriteStream; checkpoints: WriteStream; decisions: WriteStream }

  constructor(options: {
    gatewayUrl: string
    tokens: Tokens
    aibom: JsonObject
    agent: Agent
    files: { history: WriteStream; checkpoints: WriteStream; decisions: WriteStream }
  }) {
    this.gatewayUrl = options.gatewayUrl
    this.port = Number(new URL(options.gatewayUrl).port)
    this.tokens = options.tokens
    this.aibom = options.aibom
    this.#agent = options.agent
    this.#files = options.files
  }

  call(options: Call): Promise<Answer> {
    return call(this.gatewayUrl, this.#agent, options)
  }

  honest(draws: Draws): string {
    return draws.of(this.tokens.honest)
  }

  note(line: Line): void {
    this.#files.history.write(`${JSON.stringify(line)}\n`)
  }

  /** A signed note, which the whole log is held against at the end; one after the other in one file. */
  keep(note: string): void {
    this.sizes.add(Number(note.split('\n')[1]))
    this.#files.checkpoints.write(`${note}\n`)
  }

  decided(answered: Answered): void {
    this.decisions.add(answered.id)
    this.#files.decisions.write(`${JSON.stringify(answered)}\n`)
  }
}

/** One kind of call. */
export interface Kind {
  name: string
  /** How often it is made, beside the others. */
  weight: number
  /** Makes it and says what it came to, what would have been right, and what was sent. */
  send(ground: Ground, draws: Draws, name: string): Promise<Sent>
}

export interface Sent {
  outcome: string
  expected: readonly string[]
  what: string
}
