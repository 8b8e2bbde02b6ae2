import { isDeepStrictEqual } from 'node:util'
import type { PolicyFile } from '@ai-governance/policy-engine/load/load-policies'
import type { PolicySet } from '@ai-governance/policy-engine/policy-set'
import type { FolderRead } from './policy-folder.ts'
import { type Prepared, preparePolicies } from './prepare-policies.ts'

/** The set that decides. Never changed: another set is another object. */
export interface ActivePolicies {
  readonly set: PolicySet
  /** All files of the folder, tests included, sorted by name. */
  readonly files: readonly PolicyFile[]
  readonly warnings: readonly string[]
  readonly loadedAt: Date
}

/** That the folder holds something else than what decides, since when, and why it was not taken. */
export interface Stale {
  readonly since: Date
  /** `file:line:column code message` each. */
  readonly errors: readonly string[]
}

/** More than this nobody reads at once; answers stay small. */
const MAX_ERRORS = 100

export interface ActivationEvents {
  /** A set has become active. */
  onActive: (active: ActivePolicies) => void
  /** A set was not taken. */
  onRefused: (stale: Stale) => void
  /** The folder holds the active set again. */
  onRestored: () => void
  /** Preparing a set failed for a reason that is not in its files. */
  onFault: (error: unknown) => void
}

/** Holds the set that decides, and lets another one take its place if it is valid and its tests pass. */
export class Activation {
  readonly #events: ActivationEvents
  #active: ActivePolicies
  #stale: Stale | null = null

  constructor(first: ActivePolicies, events: ActivationEvents) {
    this.#active = first
    this.#events = events
  }

  /** Taken once for each request, which therefore ends under the set that it began with. */
  get active(): ActivePolicies {
    return this.#active
  }

  get stale(): Stale | null {
    return this.#stale
  }

  /** Hears what the folder holds now. The last good set stays where that is not valid. */
  offer(read: FolderRead, now: Date): void {
    if (!read.ok) this.#refuse([`.:1:1 unreadable_folder the folder ${read.fault}`], now)
    else if (isDeepStrictEqual(read.files, this.#active.files)) this.#restore()
    else this.#take(read.files, now)
  }

  #take(files: readonly PolicyFile[], now: Date): void {
    const prepared = this.#prepare(files)
    if (prepared.ok) {
      const { set, warnings } = prepared
      this.#stale = null
      this.#active = { set, warnings, files, loadedAt: now }
      this.#events.onActive(this.#active)
    } else {
      this.#refuse(prepared.errors, now)
    }
  }

  #prepare(files: readonly PolicyFile[]): Prepared {
    try {
      return preparePolicies(files)
    } catch (error) {
      this.#events.onFault(error)
      const text = '.:1:1 engine_fault the policies could not be checked; see the log of mcp-policy'
      return { ok: false, errors: [text] }
    }
  }

  #refuse(errors: readonly string[], now: Date): void {
    const more = errors.length - MAX_ERRORS
    const shown = errors.slice(0, MAX_ERRORS)
    if (more > 0) shown.push(`.:1:1 more_errors there are ${more} more`)
    this.#stale = { since: this.#stale?.since ?? now, errors: shown }
    this.#events.onRefused(this.#stale)
  }

  #restore(): void {
    if (this.#stale) this.#events.onRestored()
    this.#stale = null
  }
}
