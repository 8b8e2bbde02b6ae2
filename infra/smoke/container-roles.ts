/** All that a container of the stack is given; what is not in its role is a fault. */
export interface Role {
  /** Ends by itself, so it has no health and is not restarted. */
  oneShot?: true
  user?: string
  groups?: readonly string[]
  /** What it runs, arguments included. */
  command: string
  health?: string
  /** Names of the compose file; `none`: no network at all. */
  networks: readonly string[]
  /** `source:destination:ro|rw`; the source is a volume of the compose file, or a folder of the checkout. */
  mounts: readonly string[]
  /** Variables besides those that the official images set. */
  environment: readonly string[]
  /** Ports of the container that are published on loopback. */
  published?: readonly string[]
}

/** Variables that official images set. */
export const imageVariables = [
  ...['PATH', 'LANG', 'NODE_VERSION', 'YARN_VERSION', 'NODE_ENV', 'NODE_EXTRA_CA_CERTS'],
  ...['GOSU_VERSION', 'PG_MAJOR', 'PG_VERSION', 'PGDATA'],
]

const everyService = ['HOST', 'PORT', 'METRICS_PORT', 'LOG_LEVEL']
const database = ['DATABASE_URL', 'DATABASE_PASSWORD_FILE']

const service = (name: string, role: Pick<Role, 'networks' | 'mounts' | 'environment'>): Role => ({
  command: `node services/${name}/src/main.ts`,
  health: 'node services/common/src/health-check.js',
  ...role,
  environment: [...everyService, ...role.environment],
})

export const roles: Readonly<Record<string, Role>> = {
  secrets: {
    oneShot: true,
    command: 'node infra/containers/secrets.ts',
    networks: ['none'],
    mounts: [
      '.:/checkout:ro',
      'secrets-db:/secrets/db:rw',
      'secrets-db-migrate:/secrets/db-migrate:rw',
      'secrets-mcp-lineage:/secrets/mcp-lineage:rw',
      'secrets-mcp-policy:/secrets/mcp-policy:rw',
      'secrets-mcp-audit:/secrets/mcp-audit:rw',
      'secrets-mcp-gateway:/secrets/mcp-gateway:rw',
      'signer-key:/signer/key:rw',
      'signer-state:/signer/state:rw',
    ],
    environment: [],
  },
  db: {
    user: '999:999',
    groups: ['1000'],
    command:
      'docker-entrypoint.sh postgres -c timezone=UTC -c log_timezone=UTC -c wal_keep_size=256MB',
    health: 'pg_isready -q -h 127.0.0.1 -U governance -d governance',
    networks: ['database'],
    mounts: ['db-data:/var/lib/postgresql:rw', 'secrets-db:/run/secrets/db:ro'],
    environment: ['POSTGRES_USER', 'POSTGRES_DB', 'POSTGRES_PASSWORD_FILE', 'POSTGRES_INITDB_ARGS'],
  },
  'db-migrate': {
    oneShot: true,
    command: 'node infra/migrate.ts',
    networks: ['database'],
    mounts: ['secrets-db-migrate:/run/secrets/db-migrate:ro'],
    environment: [...database, 'LINEAGE_DATABASE_PASSWORD_FILE', 'AUDIT_DATABASE_PASSWORD_FILE'],
  },
  'mcp-lineage': service('mcp-lineage', {
    networks: ['database', 'services'],
    mounts: ['secrets-mcp-lineage:/run/secrets/mcp-lineage:ro'],
    environment: [...database, 'IDENTITY_KEY_PATH'],
  }),
  'mcp-policy': service('mcp-policy', {
    networks: ['services'],
    mounts: [
      'infra/keys:/app/infra/keys:ro',
      'policies:/app/policies:ro',
      'secrets-mcp-policy:/run/secrets/mcp-policy:ro',
    ],
    environment: [
      'AIBOM_PUBLIC_KEY_PATH',
      'AIBOM_REQUIRED',
      'GATE_SLA_MS',
      'IDENTITY_KEY_PATH',
      'AUDIT_URL',
      'AUDIT_IDENTITY_KEY_PATH',
    ],
  }),
  'mcp-audit': service('mcp-audit', {
    networks: ['database', 'services'],
    mounts: [
      'secrets-mcp-audit:/run/secrets/mcp-audit:ro',
      'signer-key:/signer/key:ro',
      'signer-state:/signer/state:rw',
    ],
    environment: [
      ...database,
      'IDENTITY_KEY_PATH',
      'POLICY_IDENTITY_KEY_PATH',
      'AUDIT_SIGNING_KEY_PATH',
      'AUDIT_SIGNER_STATE_PATH',
      'AUDIT_WITNESSES_PATH',
    ],
  }),
  'mcp-gateway': {
    ...service('mcp-gateway', {
      networks: ['edge', 'services'],
      mounts: [
        'infra/api-keys:/app/infra/api-keys:ro',
        'secrets-mcp-gateway:/run/secrets/mcp-gateway:ro',
      ],
      environment: [
        'MCP_DIRECTORY',
        'AUTH_MODE',
        'API_KEYS_PATH',
        'OIDC_ISSUER',
        'OIDC_AUDIENCE',
        'OIDC_ALGORITHMS',
        'OIDC_SCOPES_CLAIM',
        'OIDC_CA_PATH',
        'RATE_LIMIT_PER_KEY',
        'RATE_LIMIT_PER_ADDRESS',
        'IDENTITY_SECRET_PATH',
        'GATEWAY_BIND',
        'GATEWAY_PORT',
        'GATEWAY_ALLOWED_HOSTS',
      ],
    }),
    published: ['8000/tcp'],
  },
}
