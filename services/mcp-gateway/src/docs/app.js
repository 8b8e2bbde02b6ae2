// The page under /docs: shows /openapi.json, operation by operation, and sends what is filled in. Everything is made
// of DOM nodes and text, never of markup, so that nothing that it shows can become a script.

/** Characters of an answer that are shown. */
const SHOWN = 200_000

/** The token is kept here alone: not in storage, not in the address. */
const token = element('input', { type: 'password', autocomplete: 'off', id: 'token' })

/**
 * An element with attributes and children; texts become text nodes.
 * @param {string} name
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/** The object that a `$ref` of the document names, or the object itself. */
function resolved(api, part) {
  if (part.$ref === undefined) return part
  const names = part.$ref.slice('#/'.length).split('/')
  return names.reduce((at, name) => at[name], api)
}

/** JSON as text, with a link where it names a schema. */
function schemaText(schema) {
  const pieces = JSON.stringify(schema, null, 2).split(/"\$ref": "#\/components\/schemas\/(\w+)"/)
  const nodes = pieces.map((piece, index) =>
    index % 2 === 0 ? piece : element('a', { href: `#schema-${piece}` }, piece),
  )
  return element('pre', {}, ...nodes)
}

/** The little Markdown that the document has: code, bold, links. */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https:[^)]+\))/).map((part) => {
    if (part.startsWith('`')) return element('code', {}, part.slice(1, -1))
    if (part.startsWith('**')) return element('strong', {}, part.slice(2, -2))
    const link = /^\[([^\]]+)\]\((https:[^)]+)\)$/.exec(part)
    return link ? element('a', { href: link[2], rel: 'noreferrer' }, link[1]) : part
  })
}

function paragraphs(text) {
  return text.split('\n\n').map((part) => element('p', {}, ...inline(part)))
}

function labelled(text, field, hint = '') {
  const note = hint === '' ? [] : [element('span', { class: 'hint' }, ` ${hint}`)]
  return element('label', {}, element('code', {}, text), ...note, field)
}

/** What a parameter takes, in a few words. */
function hintOf(api, { required, description, schema }) {
  const { $ref, ...rules } = schema
  const named = $ref ? resolved(api, schema).description : ''
  return [required ? 'needed' : '', description ?? named, $ref ? '' : JSON.stringify(rules)]
    .filter((part) => part)
    .join('; ')
}

/** A field for each parameter, in the order of the document. */
function parameterFields(api, operation) {
  return operation.parameters.map((part) => {
    const parameter = resolved(api, part)
    const needed = parameter.in === 'path' || parameter.required
    const value = needed ? String(parameter.example ?? '') : ''
    const example = String(parameter.example ?? '')
    const field = element('input', { name: parameter.name, value, placeholder: example })
    return { parameter, field, row: labelled(parameter.name, field, hintOf(api, parameter)) }
  })
}

/** The request that the fields describe. */
function requestOf(method, path, fields, body) {
  const url = new URL(location.origin)
  let filled = path
  const headers = new Headers()
  for (const { parameter, field } of fields) {
    const { name, in: place } = parameter
    // A slash that is typed is one: encoded, the gateway would refuse it.
    const segments = field.value.split('/').map(encodeURIComponent).join('/')
    if (place === 'path') filled = filled.replace(`{${name}}`, () => segments)
    else if (field.value === '') continue
    else if (place === 'query') url.searchParams.set(name, field.value)
    else headers.set(name, field.value)
  }
  if (token.value !== '') headers.set('authorization', `Bearer ${token.value}`)
  if (body) headers.set('content-type', body.type.value)
  const init = { method: method.toUpperCase(), headers, redirect: 'error', credentials: 'omit' }
  return [filled + url.search, body ? { ...init, body: body.text.value } : init]
}

/** An answer as text: status, headers, body. */
async function answerText(response) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`)
  const type = response.headers.get('content-type') ?? ''
  const body = /octet-stream/.test(type)
    ? `(${(await response.arrayBuffer()).byteLength} bytes)`
    : readable(await response.text(), type)
  return [`${response.status} ${response.statusText}`, ...headers, '', body].join('\n')
}

function readable(text, type) {
  const shown = /^application\/(problem\+)?json/.test(type) ? indented(text) : text
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)}\n… and more` : shown
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** A field for the body and one for its media type; null where none is taken. */
function bodyFields(operation) {
  if (!operation.requestBody) return null
  const { content } = operation.requestBody
  const types = Object.keys(content)
  const type = element(
    'select',
    { name: 'media-type' },
    ...types.map((name) => element('option', {}, name)),
  )
  const example = content[types[0]].example ?? {}
  const text = element(
    'textarea',
    { name: 'body', spellcheck: 'false' },
    JSON.stringify(example, null, 2),
  )
  return { type, text }
}

function tryForm(api, method, path, operation) {
  const fields = parameterFields(api, operation)
  const body = bodyFields(operation)
  const answer = element('pre', { 'aria-live': 'polite', class: 'answer' })
  const form = element('form', {}, ...fields.map(({ row }) => row))
  if (body) form.append(labelled('media type', body.type), labelled('body', body.text))
  form.append(element('button', {}, 'Send'), answer)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    answer.textContent = '…'
    try {
      const response = await fetch(...requestOf(method, path, fields, body))
      answer.textContent = await answerText(response)
    } catch (error) {
      answer.textContent = String(error)
    }
  })
  return element('details', { class: 'try' }, element('summary', {}, 'Try it'), form)
}

/** What can come back: a row for each status, and the schema of each media type below it. */
function answersOf(api, operation) {
  return Object.entries(operation.responses).map(([status, part]) => {
    const { description, content = {} } = resolved(api, part)
    const title = element('summary', {}, element('code', {}, status), ' ', ...inline(description))
    const bodies = Object.entries(content).map(([type, { schema }]) =>
      element('div', {}, element('code', {}, type), schemaText(schema)),
    )
    return element('details', {}, title, ...bodies)
  })
}

function requestSchemas(operation) {
  const content = Object.entries(operation.requestBody?.content ?? {})
  return content.map(([type, { schema }]) =>
    element('div', {}, 'Body: ', element('code', {}, type), schemaText(schema)),
  )
}

function limitsOf(operation) {
  const bytes = operation['x-max-body-bytes']
  const facts = [
    `client: ${operation.operationId}`,
    `scope: ${operation['x-required-scope'] ?? (operation.security.length ? 'any' : 'none')}`,
    ...(bytes ? [`body up to ${bytes} bytes and ${operation['x-max-body-values']} values`] : []),
    ...(operation['x-path-pattern'] ? [`path: ${operation['x-path-pattern']}`] : []),
  ]
  return element('p', { class: 'hint' }, facts.join(' · '))
}

function operationNode(api, method, path, operation) {
  const verb = element('span', { class: 'method' }, method.toUpperCase())
  const title = element(
    'summary',
    {},
    element('code', {}, verb, ` ${path}`),
    ` ${operation.summary}`,
  )
  const node = element('details', { class: 'operation', id: operation.operationId }, title)
  // Built when it is looked at: there are dozens, each with its schemas.
  node.addEventListener(
    'toggle',
    () => {
      node.append(
        limitsOf(operation),
        ...paragraphs(operation.description ?? ''),
        tryForm(api, method, path, operation),
        ...requestSchemas(operation),
        ...answersOf(api, operation),
      )
    },
    { once: true },
  )
  return node
}

function schemaNode(name, schema) {
  const title = element('summary', {}, element('code', {}, name))
  return element('details', { id: `schema-${name}` }, title, schemaText(schema))
}

/** Opens what the address names. */
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (named instanceof HTMLDetailsElement) named.open = true
}

function show(api) {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const groups = api.tags.flatMap(({ name, description }) => [
    element('h2', {}, name),
    element('p', {}, description),
    ...operations
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ path, method, operation }) => operationNode(api, method, path, operation)),
  ])
  const schemas = Object.entries(api.components.schemas)
  document.body.replaceChildren(
    element('h1', {}, `${api.info.title} ${api.info.version}`),
    element(
      'header',
      {},
      labelled('token', token, 'for Authorization: Bearer; kept in this page alone'),
    ),
    element('main', {}, ...paragraphs(api.info.description), ...groups),
    element('h2', {}, 'Schemas'),
    ...schemas.map(([name, schema]) => schemaNode(name, schema)),
  )
  document.body.dataset.operations = String(operations.length)
  addEventListener('hashchange', openNamed)
  openNamed()
}

const answer = await fetch('/openapi.json')
show(await answer.json())
