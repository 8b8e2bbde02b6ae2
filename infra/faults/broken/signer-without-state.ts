import { patchSource } from './source-patch.ts'

// Of the state only the name is read: whatever the database holds continues a log of which nothing was signed.
patchSource(
  '/services/mcp-audit/src/signer/signer-state.ts',
  "return { origin, size, root: Buffer.from(root, 'base64') }",
  "return { origin, size: 0, root: Buffer.from('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', 'base64') }",
)
