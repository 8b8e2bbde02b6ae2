import type { Program } from '../peers/programs.ts'
import type { Figure } from '../report/figures.ts'
import { benchAppend } from './append.ts'
import { benchBatch } from './batch.ts'
import { benchExport } from './export.ts'
import { benchGate } from './gate.ts'
import type { Ground } from './ground.ts'
import { benchGrowth } from './growth.ts'
import { benchLineage } from './lineage.ts'
import { benchMemory } from './memory.ts'
import { benchOverload } from './overload.ts'
import { benchPolicy } from './policy.ts'
import { benchProxy } from './proxy.ts'
import { benchRegister } from './register.ts'
import { benchStart } from './start.ts'
import { benchValidate } from './validate.ts'
import { benchVerify } from './verify.ts'

/** Something that can be measured by name. */
export interface Subject {
  shows: string
  /** Whether `npm run bench` without names measures it. */
  byDefault: boolean
  /** About how long it takes, in minutes, and with --quick. */
  minutes: number
  quick: number
  /** Programs without which a part of it is skipped. */
  uses: readonly Program[]
  measure(ground: Ground): Promise<Figure[]>
}

const always = { byDefault: true }
const byName = { byDefault: false }

/** All subjects, in the order in which they are measured. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  append: {
    ...{ ...always, minutes: 2.1, quick: 0.7, uses: ['wrk', 'pgbench'], measure: benchAppend },
    shows: 'appends a second, at the service and through the gateway ÷ INSERT',
  },
  batch: {
    ...{ ...always, minutes: 0.5, quick: 0.3, uses: [], measure: benchBatch },
    shows: 'entries a second by POST /log/batch ÷ COPY',
  },
  gate: {
    ...{ ...always, minutes: 1.4, quick: 0.5, uses: [], measure: benchGate },
    shows: 'decisions on record by one call of the gate ÷ the two calls that it stands for',
  },
  register: {
    ...{ ...always, minutes: 1.4, quick: 0.5, uses: ['wrk', 'pgbench'], measure: benchRegister },
    shows: 'registrations a second ÷ INSERT',
  },
  lineage: {
    ...{ ...always, minutes: 1.7, quick: 0.7, uses: ['wrk', 'pgbench'], measure: benchLineage },
    shows: 'reads of a lineage with many records (--records) ÷ SELECT, and their 99th percentile',
  },
  validate: {
    ...{ ...always, minutes: 2.3, quick: 0.8, uses: ['wrk', 'opa'], measure: benchValidate },
    shows: 'decisions a second ÷ a bare Fastify route, ÷ OPA, and their 99th percentile',
  },
  policy: {
    ...{ ...always, minutes: 0.2, quick: 0.2, uses: [], measure: benchPolicy },
    shows: 'time of a decision inside the process, at 100 rules',
  },
  export: {
    ...{ ...always, minutes: 1, quick: 0.7, uses: ['psql'], measure: benchExport },
    shows: 'an export ÷ COPY, and by how much processes grow',
  },
  verify: {
    ...{ ...always, minutes: 2, quick: 1.2, uses: ['taskset'], measure: benchVerify },
    shows: 'aigov verify ÷ a loop that only parses and hashes, and on two cores ÷ one',
  },
  start: {
    ...{ ...always, minutes: 0.5, quick: 0.3, uses: [], measure: benchStart },
    shows: 'time until each service is ready ÷ a bare Fastify server',
  },
  memory: {
    ...{ ...always, minutes: 2.2, quick: 1, uses: [], measure: benchMemory },
    shows: 'resident memory of each service, idle ÷ a bare Fastify server, and under load',
  },
  proxy: {
    ...{
      ...always,
      minutes: 5.8,
      quick: 2,
      uses: ['wrk', 'taskset', 'nginx'],
      measure: benchProxy,
    },
    shows: 'the gateway ÷ @fastify/http-proxy, ÷ nginx, each on one core',
  },
  overload: {
    ...{ ...byName, minutes: 12, quick: 7, uses: ['taskset'], measure: benchOverload },
    shows: 'what is served at four times the rate that can be sustained',
  },
  growth: {
    ...{ ...byName, minutes: 10, quick: 8, uses: ['wrk', 'pgbench'], measure: benchGrowth },
    shows:
      'appends ÷ INSERT and memory at ten million entries (12 GB) ÷ at ten thousand, exports, verification, disk',
  },
}

/** What `npm run bench -- --list` says. */
export function listSubjects(): string {
  return Object.entries(SUBJECTS)
    .map(([name, { shows, byDefault, minutes, quick, uses }]) => {
      const needs = uses.length > 0 ? `; uses ${uses.join(', ')}` : ''
      const when = byDefault ? '' : ' (by name only)'
      return `${name.padEnd(10)}${shows}\n${' '.repeat(10)}${minutes} min, quick ${quick}${needs}${when}`
    })
    .join('\n')
}
