import { setTimeout as sleep } from 'node:timers/promises'
import { runCommand } from '../../smoke/command.ts'
import type { Scenario } from '../../smoke/scenario.ts'
import { operations } from '../../smoke/scenarios/operations.ts'
import { restore } from '../../smoke/scenarios/restore.ts'
import { type Report, trial } from '../../smoke/trial.ts'
import { runCampaign } from '../campaign.ts'
import { campaignFindings } from '../campaign-findings.ts'
import type { Fault } from '../faults.ts'
import type { Finding } from '../findings.ts'
import { stopping } from '../leftovers.ts'
import { composeRow, type Row, Skipped } from '../row.ts'
import type { Setting } from '../scenarios.ts'
import { type ComposeSubject, killProcesses, subjectOf } from './subject.ts'

const STRUCK = ['mcp-audit', 'mcp-gateway', 'mcp-policy', 'mcp-lineage', 'db'] as const
/** How often health is asked for, in ms, which a container needs to be called healthy again. */
const ASKED_EVERY = 5_000

/** The rows over the compose stack. Each builds and starts a stack of its own, and takes it down. */
export const COMPOSE_ROWS: readonly Row[] = [
  composeRow({
    name: 'compose-kill',
    does: 'SIGKILL of the process in each container, the database among them, under load',
    shows: 'the restart policy brings it back; I1 to I7',
    full: { clients: 64, kills: 5 },
    quick: { clients: 64, kills: 1 },
    hasLoad: true,
    run: (setting, { clients, kills }) =>
      campaign(
        setting,
        clients,
        STRUCK.map((name) => [killOf(name), kills]),
      ),
  }),
  composeRow({
    name: 'compose-stopped',
    does: 'the container of the database is stopped for a while under load, and started',
    shows: 'it goes on by itself; I1 to I7',
    full: { clients: 64, times: 3, seconds: 10 },
    quick: { clients: 64, times: 1, seconds: 5 },
    hasLoad: true,
    run: (setting, { clients, times, seconds }) =>
      campaign(setting, clients, [[stopOf(seconds * 1_000), times]]),
  }),
  smokeRow('compose-backup', 'operations', operations),
  smokeRow('compose-restore', 'restore', restore),
]

/** A trial that `npm run smoke` runs too. */
function smokeRow(name: string, scenario: string, { shows, ...rest }: Scenario): Row {
  return composeRow({
    name,
    does: `what "npm run smoke -- ${scenario}" does`,
    shows,
    full: {},
    quick: null,
    hasLoad: false,
    run: (setting) => tried(setting, scenario, { shows, ...rest }),
  })
}

async function tried(setting: Setting, name: string, scenario: Scenario): Promise<Finding[]> {
  await needsEngine()
  const { ok, fault, figures } = await alone(name, scenario, setting.say)
  const figure = fault ?? JSON.stringify(figures)
  return [{ what: scenario.shows, figure, holds: ok, isHeadline: true }]
}

/** A trial takes its stack down by itself when a signal comes, and ends the program then: whoever else would waits. */
function alone(name: string, scenario: Scenario, say: (line: string) => void): Promise<Report> {
  const ran = trial(name, scenario, say)
  return stopping(
    () => ran.catch(() => {}),
    () => ran,
  )
}

async function needsEngine(): Promise<void> {
  try {
    await runCommand(['docker', 'compose', 'version'])
    await runCommand(['docker', 'info'])
  } catch {
    throw new Skipped('this row needs a Docker engine that runs, with docker compose')
  }
}

type Faults = readonly (readonly [Fault<ComposeSubject>, number])[]

async function campaign(setting: Setting, clients: number, faults: Faults): Promise<Finding[]> {
  await needsEngine()
  const { folder, random, isTimed } = setting
  const findings: Finding[] = []
  const scenario: Scenario = {
    shows: 'no invariant breaks',
    async run(stack, say) {
      const between = { acknowledged: 200, ms: 2_000 }
      const options = { folder, clients, faults, between, random, say }
      const result = await runCampaign(await subjectOf(stack), options)
      findings.push(...campaignFindings(result, isTimed))
      return {}
    },
  }
  const { fault } = await alone('faults', scenario, setting.say)
  if (fault !== null) throw new Error(fault)
  return findings
}

function killOf(service: (typeof STRUCK)[number]): Fault<ComposeSubject> {
  const kind = { 'mcp-policy': 'gate', 'mcp-lineage': 'register' } as const
  return {
    name: `SIGKILL of the process in ${service}`,
    strike: (subject) => killProcesses(subject, service),
    goal: { healthy: 15_000 + ASKED_EVERY, acknowledged: 20_000 + ASKED_EVERY },
    isSudden: true,
    ...(service in kind && { kind: kind[service as keyof typeof kind] }),
  }
}

function stopOf(ms: number): Fault<ComposeSubject> {
  return {
    name: 'the database is stopped',
    async strike({ stack }) {
      await stack.compose(['stop', 'db'])
      await sleep(ms)
      // Alone: `up` gives up where a service that waits for the database is still called unhealthy.
      await stack.compose(['start', 'db'])
    },
    goal: { healthy: ms + 60_000, acknowledged: ms + 60_000 },
    isSudden: true,
  }
}
