import { isDeepStrictEqual } from 'node:util'
import { roles } from '../smoke/container-roles.ts'
import { arrowsOf, openRules } from './arrows.ts'
import {
  type Container,
  type KubernetesObject,
  type PodSpec,
  selects,
  workloads,
} from './objects.ts'

/** What the rules compare with: the variables of each container in docker-compose.yml, and how long one may stop. */
export interface ComposeFacts {
  environment: Readonly<Record<string, Readonly<Record<string, string>>>>
  stopSeconds: number
}

const POD = {
  runAsNonRoot: true,
  ...{ runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 },
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
}
const CONTAINER = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}
const VOLUMES = ['secret', 'configMap', 'projected', 'persistentVolumeClaim']
/** The folder that docker-compose.oidc.yml and docker-compose.witness.yml mount. */
const KEYS = '/app/infra/keys:ro'

/**
 * What no schema says of the objects of an overlay, one sentence for each fault; empty where all of it holds: that
 * every pod is hardened and has what its container has in docker-compose.yml and no more, that policies let through
 * exactly the ways between two that share a network there, and that no secret stands in a manifest.
 */
export function manifestFaults(
  objects: readonly KubernetesObject[],
  compose: ComposeFacts,
): string[] {
  const found = workloads(objects)
  const names = found.map(({ metadata }) => metadata.name)
  const missing = Object.keys(roles).filter(
    (name) => name !== 'secrets' && name !== 'db' && !names.includes(name),
  )
  return [
    ...missing.map((name) => `${name} is missing`),
    ...found.flatMap((workload) => workloadFaults(workload, compose)),
    ...found
      .filter(({ kind }) => kind === 'Deployment')
      .flatMap((one) => serviceFaults(one, objects, compose)),
    ...networkFaults(objects),
    ...objects
      .filter(({ kind }) => kind === 'Secret')
      .map(({ metadata }) => `the secret ${metadata.name} stands in a manifest`),
  ]
}

function workloadFaults(
  { metadata: { name }, spec }: KubernetesObject,
  compose: ComposeFacts,
): string[] {
  const role = roles[name]
  const pod = spec?.template?.spec as PodSpec
  const [container, ...others] = [...(pod.initContainers ?? []), ...pod.containers]
  if (!role || !container) return [`${name} is no container of docker-compose.yml`]
  const mounts = (container.volumeMounts ?? []).map(
    ({ mountPath, readOnly }) => `${mountPath}:${readOnly ? 'ro' : 'rw'}`,
  )
  const allowed = [...role.mounts.map((text) => text.replace(/^[^:]+:/, '')), KEYS]
  const rules: Record<string, boolean> = {
    'has one container': others.length === 0,
    'runs as the user 1000, under the default profile': isDeepStrictEqual(pod.securityContext, POD),
    'drops what it does not need': isDeepStrictEqual(container.securityContext, CONTAINER),
    'has no token of the API server': pod.automountServiceAccountToken === false,
    'gets no variables about Services': pod.enableServiceLinks === false,
    'shares nothing with its node': !Object.keys(pod).some((key) =>
      /^(host|shareProcess)/.test(key),
    ),
    'has limits': ['cpu', 'memory'].every(
      (what) => container.resources?.limits?.[what] && container.resources.requests?.[what],
    ),
    'has volumes of secrets, settings and the signer alone': (pod.volumes ?? []).every((volume) =>
      Object.keys(volume).every((key) => key === 'name' || VOLUMES.includes(key)),
    ),
    'has the mounts of its role': mounts.every((mount) => allowed.includes(mount)),
    'runs what its image runs':
      container.command === undefined &&
      ['', role.command].includes((container.args ?? []).join(' ')),
  }
  return [
    ...Object.entries(rules)
      .filter(([, holds]) => !holds)
      .map(([sentence]) => `${name} fails: ${sentence}`),
    ...environmentFaults(name, container, compose),
  ]
}

function environmentFaults(
  name: string,
  container: Container,
  { environment }: ComposeFacts,
): string[] {
  const faults = container.envFrom ? [`${name} takes variables from elsewhere`] : []
  for (const { name: variable, value = '', valueFrom } of container.env ?? []) {
    const there = environment[name]?.[variable]
    if (valueFrom || !roles[name]?.environment.includes(variable)) {
      faults.push(`${name} has ${variable}, which its role has not`)
    } else if (variable === 'DATABASE_URL') {
      if (!isVerifiedAddress(value, there ?? ''))
        faults.push(`${name} has a DATABASE_URL without its own login, or without verified TLS`)
    } else if (there !== undefined && !there.includes('${') && there !== value) {
      faults.push(`${name} has ${variable}=${value}, and docker-compose.yml ${there}`)
    }
  }
  return faults
}

/** The login of the compose file, no password, and a server that shows a certificate for its name. */
function isVerifiedAddress(value: string, there: string): boolean {
  const url = new URL(value)
  return (
    url.username === /^postgres:\/\/(?:\$\{POSTGRES_USER:-)?(\w+)/.exec(there)?.[1] &&
    url.password === '' &&
    url.searchParams.get('sslmode') === 'verify-full' &&
    /^\/run\/secrets\/[a-z-]+\/database_ca\.crt$/.test(url.searchParams.get('sslrootcert') ?? '') &&
    [...url.searchParams].length === 2
  )
}

function serviceFaults(
  { metadata: { name }, spec }: KubernetesObject,
  objects: readonly KubernetesObject[],
  { stopSeconds }: ComposeFacts,
): string[] {
  const { labels } = spec?.template?.metadata ?? { labels: {} }
  const pod = spec?.template?.spec as PodSpec
  const [container] = pod.containers
  const path = (probe: 'startupProbe' | 'readinessProbe' | 'livenessProbe') =>
    container?.[probe]?.httpGet?.path
  const wait = container?.lifecycle?.preStop?.sleep?.seconds ?? 0
  const own = objects.filter(({ metadata }) => metadata.name === name)
  const has = (wanted: string) => own.some(({ kind }) => kind === wanted)
  const selected = (wanted: string) =>
    own.some(
      ({ kind, spec: other }) =>
        kind === wanted && selects(other?.selector ?? other?.podSelector, labels),
    )
  const rules: Record<string, boolean> = {
    'is asked whether it has started, is ready and lives':
      [path('startupProbe'), path('readinessProbe')].sort().join() === '/healthz,/readyz' &&
      path('livenessProbe') === '/healthz',
    'has the time to stop that it needs':
      (pod.terminationGracePeriodSeconds ?? 0) >= wait + stopSeconds,
    'is spread over nodes and zones': pod.topologySpreadConstraints?.length === 2,
    'has a PodDisruptionBudget': selected('PodDisruptionBudget'),
    'has a NetworkPolicy': selected('NetworkPolicy'),
    'has a Service': has('Service'),
    'leaves its number of replicas to its autoscaler':
      !has('HorizontalPodAutoscaler') || spec?.replicas === undefined,
    'goes on while it is replaced, unless it is one':
      spec?.replicas === 1 ||
      isDeepStrictEqual(spec?.strategy, {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
      }),
  }
  return Object.entries(rules)
    .filter(([, holds]) => !holds)
    .map(([sentence]) => `${name} fails: ${sentence}`)
}

function networkFaults(objects: readonly KubernetesObject[]): string[] {
  const { out, in: into } = arrowsOf(objects)
  const closed = objects.some(
    ({ kind, spec }) =>
      kind === 'NetworkPolicy' &&
      isDeepStrictEqual(spec, { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  )
  return [
    ...(closed ? [] : ['no NetworkPolicy denies what no other allows']),
    ...openRules(objects).map(
      (name) => `the NetworkPolicy ${name} has a rule for everybody, or for every port`,
    ),
    ...[...out.symmetricDifference(into)].map((arrow) => `${arrow} is open at one end alone`),
    ...[...out.union(into)]
      .filter((arrow) => !isArrowOfCompose(arrow))
      .map((arrow) => `${arrow} is no way in docker-compose.yml`),
  ]
}

/** Two that share a network there, at the port of the one that is called. The database's instances follow each other. */
function isArrowOfCompose(arrow: string): boolean {
  const [from = '', to = '', port] = arrow.split(/ > |:/)
  if (from === 'db') return to === 'db' && ['5432', '8000'].includes(port ?? '')
  const shared = roles[from]?.networks.some((network) => roles[to]?.networks.includes(network))
  return shared === true && port === (to === 'db' ? '5432' : '8000')
}
