import { patchSource } from './source-patch.ts'

// Whatever becomes of the append, there is an entry to answer with.
patchSource(
  '/services/mcp-gateway/src/gate/decide-and-record.ts',
  'await append(calls, gateEvent(body, verdict), options)',
  `await append(calls, gateEvent(body, verdict), options).catch(() => ({
    text: JSON.stringify({ ...gateEvent(body, verdict), id: 1, entry_hash: '0'.repeat(64) }),
    headers: {},
  }))`,
)
