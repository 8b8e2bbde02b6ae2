// Runs in a hostile page: everything that a page can send to an address without being asked, and what it can
// read of the answers. `attack(base, paths)` resolves to [what, outcome] pairs: the status of an answer that the page
// may read, 'sent' where it may not, or why nothing was sent.

const EVENT = JSON.stringify({ event_type: 'planted', subject: 'planted', decision: true })
const MODEL = JSON.stringify({ model_id: 'planted', version: '1', created_by: 'planted' })

async function outcome(send) {
  try {
    const answer = await send()
    return answer instanceof Response && answer.type !== 'opaque' ? String(answer.status) : 'sent'
  } catch (error) {
    return String(error)
  }
}

/** A form in a frame of the page; its answer cannot be read. */
function submitForm(url, enctype, fields) {
  const frame = document.createElement('iframe')
  frame.name = `frame-${document.querySelectorAll('iframe').length}`
  const form = document.createElement('form')
  Object.assign(form, { action: url, method: 'post', enctype, target: frame.name })
  for (const [name, value] of fields) {
    form.append(Object.assign(document.createElement('input'), { name, value }))
  }
  document.body.append(frame, form)
  const answered = new Promise((resolve) => {
    frame.addEventListener('load', resolve)
    setTimeout(resolve, 3_000)
  })
  form.submit()
  return answered
}

/** A form of plain text whose one field makes the body JSON. */
function jsonForm(url, body) {
  const [name, value] = [body.replace(/\}$/, ',"details":{"a":"'), '"}}']
  return submitForm(url, 'text/plain', [[name, value]])
}

async function attackPath(url, body) {
  const json = (type) => new Blob([body], { type })
  const post = (options) => fetch(url, { method: 'POST', body, ...options })
  const attempts = {
    'a form as text': () => jsonForm(url, body),
    'a form': () =>
      submitForm(url, 'application/x-www-form-urlencoded', [['event_type', 'planted']]),
    'a form with parts': () => submitForm(url, 'multipart/form-data', [['event_type', 'planted']]),
    'fetch without CORS': () => post({ mode: 'no-cors' }),
    'fetch without CORS, a type of its own': () =>
      post({ mode: 'no-cors', body: json('application/json') }),
    'fetch without CORS, JSON by header': () =>
      post({ mode: 'no-cors', headers: { 'content-type': 'application/json' } }),
    'fetch without CORS, no type': () =>
      post({ mode: 'no-cors', body: new TextEncoder().encode(body) }),
    'fetch without referrer': () => post({ mode: 'no-cors', referrerPolicy: 'no-referrer' }),
    'fetch with CORS': () => post({ headers: { 'content-type': 'application/json' } }),
    'fetch with CORS, as text': () => post({}),
    'fetch that outlives the page': () => post({ mode: 'no-cors', keepalive: true }),
    'a beacon': () => navigator.sendBeacon(url, json('text/plain')),
    'a beacon of JSON': () => navigator.sendBeacon(url, json('application/json')),
    'a GET': () => fetch(url, { mode: 'no-cors' }),
    'a PUT': () => post({ method: 'PUT', headers: { 'content-type': 'application/json' } }),
  }
  const found = []
  for (const [what, send] of Object.entries(attempts)) found.push([what, await outcome(send)])
  return found
}

/** Whether a WebSocket to an address opens. */
function webSocket(base) {
  return new Promise((resolve) => {
    const socket = new WebSocket(base.replace('http', 'ws'))
    socket.addEventListener('open', () => resolve('101'))
    socket.addEventListener('error', () => resolve('refused'))
  })
}

globalThis.attack = async (base, paths) => {
  const found = [['a WebSocket', await webSocket(`${base}/mcp`)]]
  for (const path of paths) {
    const body = path.endsWith('register') ? MODEL : EVENT
    found.push(...(await attackPath(base + path, body)))
  }
  return found
}
