import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { namesIn } from '../dotenv.ts'
import { Failure } from '../failure.ts'
import { freePort } from '../local/ports.ts'
import { copyCheckout } from './checkout.ts'
import { type CommandOptions, type CommandResult, runCommand } from './command.ts'
import { type ContainerFacts, type NetworkFacts, serviceOf } from './container-facts.ts'

/** A compose stack from a copy of the checkout, under a project name and a port of its own. */
export interface ComposeStack {
  /** Where clients reach the gateway. */
  url: string
  /** The copy of the checkout. */
  folder: string
  /** `docker <args>`, and `docker compose <args>`, in the folder. */
  docker(args: readonly string[], options?: CommandOptions): Promise<CommandResult>
  compose(args: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** Runs SQL as the owner of the database; returns what psql prints, unaligned. */
  psql(sql: string): Promise<string>
  /** A shell script in the folder that ends at its first failure, with GATEWAY_PORT and AIGOV_URL of this stack. */
  shell(script: string): Promise<CommandResult>
  /** Starts what is not running, with so many replicas, and resolves when everything is healthy. */
  up(replicas?: Record<string, number>): Promise<void>
  /** What `docker inspect` says of every container, one-shots included. */
  containers(): Promise<ContainerFacts[]>
  networks(): Promise<NetworkFacts[]>
  /** The ids of a service's containers. */
  idsOf(service: string): Promise<string[]>
  /** Everything that the containers wrote. */
  logs(): Promise<string>
  /** Ends the stack and removes its volumes, images and folder. */
  down(): Promise<void>
}

/** Longest wait for a stack to be healthy, in ms: generous, since a slow machine is not a fault. */
const PATIENCE = 240_000

/** The caller's variables without those that would change the stack under test, as `.env` lists them. */
function environmentFor(folder: string): NodeJS.ProcessEnv {
  const ours = namesIn(readFileSync(join(folder, '.env.example'), 'utf8'))
  // How a build reaches a registry is the machine's business, and stays.
  const changing = ours.filter((name) => !/PROXY$|REGISTRY$/.test(name))
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !changing.includes(name)),
  )
}

export async function prepareStack(
  name: string,
  dotenv: readonly string[],
  onOutput: (text: string) => void,
): Promise<ComposeStack> {
  const port = await freePort()
  const { folder, remove } = copyCheckout(dotenv)
  const project = `governance-smoke-${name}-${process.pid}`
  const env = {
    ...environmentFor(folder),
    COMPOSE_PROJECT_NAME: project,
    GATEWAY_PORT: String(port),
    AIGOV_URL: `http://127.0.0.1:${port}`,
    // What engines before 23 and Compose before 2 need to be told.
    DOCKER_BUILDKIT: '1',
    COMPOSE_DOCKER_CLI_BUILD: '1',
  }
  const docker = (args: readonly string[], options: CommandOptions = {}) =>
    runCommand(['docker', ...args], { cwd: folder, env, ...options })
  const compose: ComposeStack['compose'] = (args, options) => docker(['compose', ...args], options)

  const idsOf = async (service?: string) => {
    const { stdout } = await compose(['ps', '-a', '-q', ...(service ? [service] : [])])
    return stdout.split('\n').filter((line) => line !== '')
  }
  const containers = async () => inspect<ContainerFacts>(await idsOf())
  const inspect = async <T>(ids: readonly string[]): Promise<T[]> =>
    ids.length === 0 ? [] : JSON.parse((await docker(['inspect', ...ids])).stdout)

  return {
    url: `http://127.0.0.1:${port}`,
    folder,
    docker,
    compose,
    async psql(sql) {
      const script = 'psql -XAtq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"'
      return (await compose(['exec', '-T', 'db', 'sh', '-c', script], { input: sql })).stdout
    },
    shell: (script) => runCommand(['sh', '-e', '-c', script], { cwd: folder, env }),
    idsOf,
    containers,
    async networks() {
      const { stdout } = await docker(['network', 'ls', '-q', '--filter', `name=${project}`])
      return inspect(stdout.split('\n').filter((line) => line !== ''))
    },
    async up(replicas = {}) {
      const scale = Object.entries(replicas).flatMap(([to, n]) => ['--scale', `${to}=${n}`])
      await compose(['up', '-d', ...scale], { onOutput })
      await untilHealthy(containers)
    },
    async logs() {
      const { stdout, stderr } = await compose(['logs', '--no-color'])
      return stdout + stderr
    },
    async down() {
      await compose(['down', '-v', '--rmi', 'local', '--remove-orphans'], { onOutput })
      remove()
    },
  }
}

async function untilHealthy(containers: () => Promise<ContainerFacts[]>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE; ; await sleep(250)) {
    const all = await containers()
    const waiting = all.filter((container) => stateOf(container) !== 'fine').map(serviceOf)
    if (all.length > 0 && waiting.length === 0) return
    const broken = all.filter((container) => stateOf(container) === 'broken').map(serviceOf)
    if (broken.length > 0) throw new Failure(`Ended when it should run: ${broken.join(', ')}.`)
    if (Date.now() > deadline) {
      throw new Failure(`Not healthy after ${PATIENCE / 1000} s: ${waiting.join(', ')}.`)
    }
  }
}

function stateOf({ State }: ContainerFacts): 'fine' | 'waiting' | 'broken' {
  if (State.Status === 'exited') return State.ExitCode === 0 && !State.Health ? 'fine' : 'broken'
  return State.Health?.Status === 'healthy' ? 'fine' : 'waiting'
}
