// The presenter's view: the timeline follows the consent of the visit, and a sentence says what has happened last. With
// `data-automatic` the customer is played, slowly, one variation after the other.

const POLL_MS = 800

const { path, automatic } = document.body.dataset
const pages = document.querySelector('iframe[name="pages"]')
const timeline = document.querySelector('iframe[name="timeline"]')
const before = document.querySelector('#pane-timeline .empty')
const sentence = document.querySelector('.underneath')
let shownTimeline = timeline.getAttribute('src')

/** Shows how far the visit has come. */
async function update() {
  try {
    const answer = await fetch(`${path}progress`)
    if (answer.status === 404) location.assign(`/present${location.search}`)
    else if (answer.ok) show(await answer.json())
  } catch {
    // The lender is away, or a page is just being loaded.
  }
  setTimeout(update, POLL_MS)
}

function show(progress) {
  if (progress.timeline !== shownTimeline) {
    shownTimeline = progress.timeline
    timeline.hidden = shownTimeline === null
    before.hidden = shownTimeline !== null
    // Not the attribute: it would be another entry of the history.
    timeline.contentWindow.location.replace(shownTimeline ?? 'about:blank')
  }
  // Another page of the visit, such as that on a phone, may have gone on.
  const stage = pages.contentDocument?.body?.dataset.stage
  if (stage !== undefined && stage !== progress.stage) pages.contentWindow.location.reload()
  sentence.hidden = progress.underneath === null
  if (progress.underneath === null) return
  const link = sentence.querySelector('a')
  link.href = progress.underneath.address
  link.firstElementChild.textContent = progress.underneath.text
}

// Below 900 px the timeline takes the place of the pages.
sentence.querySelector('a').addEventListener('click', () => document.getElementById('view-timeline').click())

// The tour stays where it is in another language.
for (const link of document.querySelectorAll('.lang a')) {
  link.addEventListener('click', () => {
    link.hash = location.hash
  })
}

// A page of the AA is shown again after a reload.
const PLACE = `mockaa-place-${path}`
const place = sessionStorage.getItem(PLACE)
if (place?.startsWith(`/w${path}aa/visits/`)) pages.contentWindow.location.replace(place)
pages.addEventListener('load', () => {
  sessionStorage.setItem(PLACE, pages.contentWindow.location.pathname)
})

update()
if (automatic !== undefined) import('./demo-auto.js').then((module) => module.play(pages, path))
