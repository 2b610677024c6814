// The operator's pages: live updates, keys and copying. Without this script the pages work by links and forms.
//
// The stream of events tells only that something has changed. What is shown comes from the page itself, which is
// fetched anew and compared part by part: the parts have the attribute `data-live`, and the rows of lists `data-key`.
// Rows of a long history that the browser has already are left out, as `data-shown` says.

const UPDATE_MS = 250
const POLL_AFTER_MS = 30_000
const POLL_MS = 5_000
const CLOCK_MS = 10_000
const ANNOUNCE_MS = 5_000
const CHORD_MS = 1_500
const BUSY_AFTER_MS = 300
const KEYS_OFF = 'mockaa-keys-off'
const ROW_LEFT = 'mockaa-row-left'

const { base, page: address, after, place } = document.body.dataset
const live = document.querySelector('.live')
/** `true` if another page shows this one in a frame: there are no other pages then. */
const isEmbedded = document.querySelector('.console.embedded') !== null
const main = document.getElementById('main')

/** Shows whether the page is live. */
function tellState(text, isLive) {
  live.querySelector('.state').textContent = text
  live.classList.toggle('lost', !isLive)
}

// Updates.

let updateTimer = null
let isUpdating = false
let isStale = false
/** `true` if a part was out of date and its reader at work in it. */
let hasDeferred = false
/** The place in the stream of events up to which the page shows all; `null` if that is not known. */
let shownPlace = after
/** The rows of the list as it is now, and those of them that are not shown yet. */
let waitingList = []
let waitingRows = []

/** Updates the page soon; calls in between make one update. */
function scheduleUpdate() {
  isStale = true
  if (updateTimer === null && !isUpdating) updateTimer = setTimeout(update, UPDATE_MS)
}

async function update() {
  updateTimer = null
  isUpdating = true
  isStale = false
  try {
    const answer = await fetch(address, { headers: { accept: 'text/html', 'x-mockaa-poll': shownPlace ?? 'true' } })
    if (answer.ok && !answer.redirected) applyPage(new DOMParser().parseFromString(await answer.text(), 'text/html'))
  } catch {
    // The stream reports that the sandbox is gone.
  }
  isUpdating = false
  if (isStale) scheduleUpdate()
}

/** Replaces each part that has changed. A part that the reader works in waits. */
function applyPage(page) {
  const next = page.getElementById('main')
  if (!next) return
  prepareCopying(page)
  hasDeferred = false
  // The first row of a list, or its last one gone, makes another page.
  const isAnother = listParts(main) !== listParts(next)
  if (!hasAllRows(next, isAnother)) {
    shownPlace = null
    isStale = true
    return
  }
  const followsEnd = isEmbedded && isAtEnd()
  if (isAnother) replaceUnlessInUse(main, next)
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = page.querySelector(`[data-live="${part.dataset.live}"]`)
    if (!next || (isAnother && main.contains(part))) continue
    if (part.dataset.live === 'rows') updateRows(part, next)
    else if (part.dataset.live === 'timeline') updateTimeline(part, next)
    else replaceUnlessInUse(part, next)
  }
  shownPlace = hasDeferred ? null : page.body.dataset.after
  if (followsEnd) showEnd()
}

function isAtEnd() {
  const page = document.documentElement
  return page.scrollHeight - page.clientHeight - window.scrollY < 40
}

function showEnd() {
  window.scrollTo({ top: document.documentElement.scrollHeight })
}

/** Returns whether the document has each row that the next page leaves out. */
function hasAllRows(next, isAnother) {
  const rows = [...next.querySelectorAll('[data-shown]')]
  const keys = new Set([...main.querySelectorAll('[data-key]')].map((row) => row.dataset.key))
  return rows.every((row) => !isAnother && keys.has(row.dataset.key))
}

/** Replaces what is in an element, or notes that it is out of date. */
function replaceUnlessInUse(element, next) {
  // The comparison of the nodes is the faster one, but it counts the attributes of the element, too.
  if (element.isEqualNode(next) || element.innerHTML === next.innerHTML) return
  if (isInUse(element)) hasDeferred = true
  else element.innerHTML = next.innerHTML
}

// A part that waited is replaced as soon as its reader has left it.
for (const kind of ['focusout', 'selectionchange', 'toggle']) {
  document.addEventListener(kind, () => hasDeferred && scheduleUpdate(), { capture: true })
}

function listParts(element) {
  return [...element.querySelectorAll('[data-live]')].map((part) => part.dataset.live).join()
}

/** Returns whether replacing the part would take something from its reader: the focus, a selection, an open question, or
 * what was written. */
function isInUse(part) {
  const selection = document.getSelection()
  const isSelected = selection && !selection.isCollapsed && part.contains(selection.anchorNode)
  if (isSelected || part.contains(document.activeElement)) return true
  if (part.querySelector(':popover-open, [aria-invalid="true"]')) return true
  return [...part.querySelectorAll('input:not([type="checkbox"]), textarea, select')].some((field) => isChanged(field))
}

function isChanged(field) {
  if (field.tagName !== 'SELECT') return field.value !== field.defaultValue
  const first = [...field.options].findIndex((option) => option.defaultSelected)
  return field.selectedIndex !== Math.max(first, 0)
}

/** Returns whether the page has the newest rows of its list. */
function isFirstPart() {
  return !location.search.match(/[?&](after|before)=/)
}

function isAtTop() {
  return window.scrollY < 40 && isFirstPart()
}

/** Changes known rows in their places. New ones enter if nobody reads the list; else they wait. */
function updateRows(part, next) {
  const rows = [...next.children]
  replaceKnown(part, rows)
  if (isAtTop() && !isInUse(part)) {
    placeRows(part, rows)
  } else {
    markGoneRows(part, rows)
    const shown = keyRows(part)
    waitingRows = isFirstPart() ? rows.filter((row) => !shown.has(row.dataset.key)) : []
    waitingList = rows
    hasDeferred ||= isAtTop() && (waitingRows.length > 0 || part.querySelector('.gone') !== null)
  }
  tellWaiting()
}

/** Changes what is known in its place. What is new is below it, where it moves nothing. */
function updateTimeline(part, next) {
  const threads = [...next.children]
  part.className = next.className
  replaceKnown(part, threads)
  placeRows(part, threads)
}

function replaceKnown(part, rows) {
  const shown = keyRows(part)
  for (const row of rows) {
    const old = shown.get(row.dataset.key)
    if (old && row.dataset.shown === undefined) replaceUnlessInUse(old, row)
  }
}

function keyRows(part) {
  return new Map([...part.children].map((row) => [row.dataset.key, row]))
}

/** Makes the list what it is now. Rows that are shown already are not moved, so that none loses the focus. */
function placeRows(part, rows) {
  const keys = new Set(rows.map((row) => row.dataset.key))
  const shown = keyRows(part)
  for (const [key, row] of shown) if (!keys.has(key)) row.remove()
  for (const [place, row] of rows.entries()) {
    const known = shown.get(row.dataset.key) ?? row
    if (part.children[place] !== known) part.insertBefore(known, part.children[place] ?? null)
    known.classList.remove('gone')
  }
  waitingRows = []
}

/** Marks the rows that are no longer in the list. Those below its last row are on a later part of it. */
function markGoneRows(part, rows) {
  const keys = new Set(rows.map((row) => row.dataset.key))
  const shown = [...part.children]
  const isCut = document.querySelector('.pager [rel="next"]') !== null
  const end = isCut ? shown.findLastIndex((row) => keys.has(row.dataset.key)) : shown.length
  for (const [place, row] of shown.entries()) row.classList.toggle('gone', place < end && !keys.has(row.dataset.key))
}

function tellWaiting() {
  const bar = document.getElementById('news')
  if (!bar) return
  const count = waitingRows.length
  // The page has no more than its first rows.
  const isWhole = count < waitingList.length || !document.querySelector('.pager [rel="next"]')
  const gone = document.querySelectorAll('tr.gone').length
  bar.hidden = count + gone === 0
  const news = count > 0 ? [`${count}${isWhole ? '' : ' or more'} new`] : []
  if (gone > 0) news.push(`${gone} gone`)
  bar.textContent = `${news.join(', ')}, show`
}

document.addEventListener('click', (event) => {
  if (event.target.id !== 'news') return
  window.scrollTo({ top: 0 })
  placeRows(document.querySelector('[data-live="rows"]'), waitingList)
  tellWaiting()
})

// The stream.

let stream = null
let lastId = after
let lostAt = null
let pollTimer = null
let hasEnded = false

function openStream() {
  if (stream || hasEnded) return
  stream = new EventSource(`${base}/_mockaa/v1/events?after=${encodeURIComponent(lastId)}`)
  stream.addEventListener('open', () => {
    lostAt = null
    clearInterval(pollTimer)
    pollTimer = null
    tellState('Live', true)
  })
  stream.addEventListener('error', () => tellLoss())
  stream.addEventListener('entry', (event) => {
    lastId = event.lastEventId
    const entry = JSON.parse(event.data)
    announce(entry)
    scheduleUpdate()
  })
  stream.addEventListener('gap', (event) => {
    lastId = event.lastEventId
    scheduleUpdate()
  })
  stream.addEventListener('world', (event) => {
    lastId = event.lastEventId || lastId
    scheduleUpdate()
  })
  stream.addEventListener('reset', () => end('This world has begun anew. The page shows what was before.'))
  stream.addEventListener('bye', (event) => {
    const { reason } = JSON.parse(event.data)
    if (reason === 'the world was deleted') end('This world was deleted. The page shows what was before.', '/ui/worlds')
    else if (reason === 'the session has ended') end('The session has ended. Open the page again to sign in.')
    else tellLoss()
  })
}

function closeStream() {
  stream?.close()
  stream = null
}

/** Says since when the page is not live, and polls if that lasts. */
function tellLoss() {
  if (hasEnded) return
  lostAt ??= new Date()
  const time = lostAt.toTimeString().slice(0, 8)
  tellState(`Not live since ${time}, trying again`, false)
  if (stream?.readyState === EventSource.CLOSED) {
    closeStream()
    setTimeout(openStream, POLL_MS)
  }
  pollTimer ??= setInterval(() => {
    if (Date.now() - lostAt > POLL_AFTER_MS) scheduleUpdate()
  }, POLL_MS)
}

/** Stops updating; the page stays readable. */
function end(text, page = `${base}/ui`) {
  hasEnded = true
  closeStream()
  clearInterval(pollTimer)
  tellState('Ended', false)
  const notice = document.createElement('p')
  notice.className = 'ended'
  notice.setAttribute('role', 'alert')
  main.prepend(notice)
  notice.textContent = text
  if (isEmbedded) return
  const link = document.createElement('a')
  link.href = page
  link.textContent = page === '/ui/worlds' ? 'Open the list of worlds' : 'Open the overview'
  notice.append(' ', link)
}

// A hidden page needs no connection, of which a browser has six for a host.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) closeStream()
  else if (place) openStream()
})
window.addEventListener('pagehide', closeStream)
window.addEventListener('pageshow', (event) => {
  if (event.persisted && place) openStream()
})

// The time of a running clock changes without an event.
setInterval(() => {
  const mode = document.querySelector('.pill[data-live="clock"] small')?.textContent
  if (mode === 'running' && place && !document.hidden && !hasEnded) scheduleUpdate()
}, CLOCK_MS)

// Announcements: one sentence in five seconds at most.

let announced = []
let announceTimer = null

function announce(entry) {
  if (!entry.kind?.startsWith('consent.')) return
  announced.push(entry)
  announceTimer ??= setTimeout(() => {
    const handles = new Set(announced.map((it) => it.consentHandle))
    const last = announced.at(-1)
    document.getElementById('spoken').textContent =
      handles.size > 1 ? `${handles.size} consents changed` : `${last.kind.replace('.', ' is ')}, ${last.consentHandle}`
    announced = []
    announceTimer = null
  }, ANNOUNCE_MS)
}

// The switches of a timeline stay as they are while its reader opens entries.

const SWITCHES = 'mockaa-switches'
const switches = [...document.querySelectorAll('.bar input[type="checkbox"]')]

function keepSwitches() {
  const states = Object.fromEntries(switches.map((it) => [it.id, it.checked]))
  sessionStorage.setItem(SWITCHES, JSON.stringify({ path: location.pathname, states }))
}

function restoreSwitches() {
  const kept = JSON.parse(sessionStorage.getItem(SWITCHES) ?? 'null')
  if (kept?.path !== location.pathname) return
  for (const it of switches) it.checked = kept.states[it.id] ?? it.checked
}

for (const it of switches) it.addEventListener('change', keepSwitches)
restoreSwitches()

// Copying.

function prepareCopying(page) {
  for (const button of page.querySelectorAll('[data-copy], [data-copy-from]')) button.hidden = !navigator.clipboard
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy], [data-copy-from]')
  if (!button) return
  const { copy, copyFrom } = button.dataset
  await navigator.clipboard.writeText(copy ?? document.getElementById(copyFrom).textContent)
  document.getElementById('spoken').textContent = 'Copied'
})

// Keys. They move the focus and follow links; arrows keep scrolling.

const PAGES = { o: '', c: '/consents', w: '/webhooks', j: '/journal', l: '/clock', f: '/faults', s: '/scenarios', d: '/customers', r: '/report' }
let chordUntil = 0

/** The links of the rows of a list. */
const ROW_LINKS = '[data-key] th a, .tl a.row'

// The row by which a list was left has the focus again when its reader comes up.
main.addEventListener('click', (event) => {
  const link = event.target.closest?.('[data-key] th a')
  if (!link) return
  const { key } = link.closest('[data-key]').dataset
  sessionStorage.setItem(ROW_LEFT, JSON.stringify({ path: location.pathname, query: location.search, key }))
})

function readRowLeft() {
  return JSON.parse(sessionStorage.getItem(ROW_LEFT) ?? 'null')
}

/** Opens the list above the page, as it was left. */
function goUp() {
  const link = main.querySelector('.trail a')
  if (!link) return
  const left = readRowLeft()
  if (left?.path !== link.pathname) return link.click()
  sessionStorage.setItem(ROW_LEFT, JSON.stringify({ ...left, isReturning: true }))
  location.assign(left.path + left.query)
}

function focusRowLeft() {
  const left = readRowLeft()
  if (!left?.isReturning || left.path !== location.pathname) return
  sessionStorage.removeItem(ROW_LEFT)
  main.querySelector(`[data-key="${CSS.escape(left.key)}"] th a`)?.focus()
}

function moveFocus(step) {
  const links = [...main.querySelectorAll(ROW_LINKS)]
  if (links.length === 0) return
  const at = links.indexOf(document.activeElement)
  links[Math.min(Math.max(at + step, 0), links.length - 1)].focus()
}

const KEYS = {
  '/': () => document.getElementById('find').focus(),
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  n: () => document.getElementById('news')?.click(),
  u: goUp,
  '.': () => document.getElementById('toggle-clock').requestSubmit(),
  '?': () => document.getElementById('keys').showModal(),
  g: () => {
    chordUntil = Date.now() + CHORD_MS
  },
}

function isTyping(target) {
  return target.closest?.('input:not([type="checkbox"]), select, textarea, dialog') !== null
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  if (isEmbedded && event.key !== 'j' && event.key !== 'k') return
  if (event.key !== '?' && localStorage.getItem(KEYS_OFF)) return
  const isChord = Date.now() < chordUntil && event.key in PAGES
  chordUntil = 0
  if (isChord) location.assign(`${base}/ui${PAGES[event.key]}`)
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]()
  else return
  event.preventDefault()
})

const keysOff = document.getElementById('keys-off')
keysOff.checked = localStorage.getItem(KEYS_OFF) !== null
keysOff.addEventListener('change', () => {
  if (keysOff.checked) localStorage.setItem(KEYS_OFF, 'true')
  else localStorage.removeItem(KEYS_OFF)
})

// A page that takes long is said to be on its way.

let busyTimer = null

function awaitPage() {
  busyTimer ??= setTimeout(() => {
    document.getElementById('spoken').textContent = 'Loading'
    main.setAttribute('aria-busy', 'true')
  }, BUSY_AFTER_MS)
}

function endWaiting() {
  clearTimeout(busyTimer)
  busyTimer = null
  main.removeAttribute('aria-busy')
}

document.addEventListener('submit', (event) => event.target.method === 'dialog' || awaitPage())
document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href]')
  const isPlain = link && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.defaultPrevented
  const isPage = isPlain && link.origin === location.origin && link.pathname.startsWith(`${base}/ui`)
  // A link to a place of this page loads nothing.
  if (isPage && (link.pathname !== location.pathname || link.search !== location.search)) awaitPage()
})
window.addEventListener('pageshow', endWaiting)

prepareCopying(document)
focusRowLeft()
// In a frame, what has happened last is in sight, unless the reader looks at something else.
if (isEmbedded && !location.hash) showEnd()
for (const element of document.querySelectorAll('[data-script]')) element.hidden = false
if (place && !document.hidden) openStream()
