import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** One answer of the gate, or that there was none. `name` stands in the payload, which is on record in full. */
export interface Answer {
  name: string
  /** Whether it was asked under a key, which is the name. */
  isKeyed: boolean
  /** 0 where there was no answer, -1 where there was none within 30 s. */
  status: number
  /** Of the error; empty for a decision. */
  code: string
  /** When it came, in ms since 1970. */
  at: number
  decided: Decided | null
}

/** What an answer says was decided, and where that is on record. */
export interface Decided {
  allowed: boolean
  decisionId: string
  id: number
  entryHash: string
}

/** The answers that a driver wrote down, in the order in which they came. */
export async function readAnswers(file: string): Promise<Answer[]> {
  const answers: Answer[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    answers.push(JSON.parse(line))
  }
  return answers
}
