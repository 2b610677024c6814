// Plays the customer in the presenter's view, slowly, one variation after the other, for an unattended screen.

const STEP_MS = 2500
const TYPE_MS = 150
/** The time for which the end of a variation is shown. */
const REST_MS = 12_000

const OTP = '123456'
const MOBILE = '9876543210'

/**
 * What the customer does on a page that has an element, and the step of the tour at which that is. The first rule that
 * fits holds.
 */
const RULES = [
  { where: 'form[action$="/apply"]', act: apply, step: 1 },
  { where: 'main form[action$="/monitor"]', act: goOn, step: 7 },
  { where: 'main form[action$="/month"]', act: submit, step: 8 },
  { where: 'main form[action$="/again"]', act: submit, step: 8 },
  { where: 'main a.go[href*="/aa?aa="]', act: press, step: 8 },
  { where: 'main a.go[href$="/aa"]', act: press, step: 2 },
  { where: 'main form[action$="/otp"]', act: enterPassword, step: 3 },
  { where: 'main form[action$="/sign-in"]', act: signIn, step: 3 },
  { where: 'form[action$="/answer"]', act: agree, step: 4 },
  { where: 'main form[action$="/revoke"]', act: submit, step: 8 },
  { where: 'main a[href$="/revoke"]', act: press, step: 8 },
  { where: 'main .consents a[href*="/consents/"]', act: press, step: 8 },
  { where: '[data-follows="fetching"]', act: wait, step: 6 },
  { where: '[data-follows], main [data-countdown]', act: wait, step: null },
]

let frame = null
let home = '/'
let shownStep = 0

/** Plays for ever in a frame; `path` is that of the lender's page. */
export async function play(pages, path) {
  frame = pages
  home = path
  for (;;) {
    await pause(STEP_MS)
    const page = frame.contentDocument
    if (page?.readyState !== 'complete') continue
    try {
      const rule = RULES.find(({ where }) => page.querySelector(where))
      if (rule?.step) showStep(rule.step)
      if (rule) await rule.act(page.querySelector(rule.where))
      else await finish(page)
    } catch (error) {
      // The page may have changed meanwhile, for example by a person.
      console.warn(error)
    }
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Shows a step of the tour; within a round it does not go back. */
function showStep(number) {
  if (number <= shownStep) return
  shownStep = number
  location.replace(`#step-${number}`)
}

async function wait() {}

/** Begins again with the next variation, after a rest; a page of the AA leads back to the lender first. */
async function finish(page) {
  const form = page.querySelector('form[action$="/reset"]')
  if (form === null) {
    frame.contentWindow.location.replace(home)
    return
  }
  if (page.querySelector('#h-reasons')) {
    showStep(7)
    await readThrough(page)
  }
  await pause(REST_MS)
  shownStep = 0
  await submit(form)
}

/** Goes on from an offer, after a rest. */
async function goOn(form) {
  await readThrough(form.ownerDocument)
  showStep(8)
  await submit(form)
}

/** Shows the parts of a page one after the other. */
async function readThrough(page) {
  for (const part of page.querySelectorAll('main section')) {
    part.scrollIntoView({ block: 'start', behavior: 'smooth' })
    await pause(STEP_MS)
  }
}

async function press(element) {
  element.scrollIntoView({ block: 'center' })
  element.focus({ focusVisible: true })
  await pause(STEP_MS / 2)
  element.click()
}

function submit(form) {
  return press(form.querySelector('button[type="submit"]'))
}

async function type(field, text) {
  field.focus({ focusVisible: true })
  field.value = ''
  for (const character of text) {
    field.value += character
    await pause(TYPE_MS)
  }
}

/** Applies, each time with another variation, and with the APIs in turn. */
async function apply(form) {
  const [variation, api] = ['variation', 'api'].map((name) => form.elements[name])
  const round = Number(sessionStorage.getItem('mockaa-round') ?? 0)
  sessionStorage.setItem('mockaa-round', round + 1)
  const cycle = Math.floor(round / variation.options.length)
  variation.selectedIndex = round % variation.options.length
  api.selectedIndex = (round + cycle) % api.options.length
  variation.scrollIntoView({ block: 'center' })
  await pause(STEP_MS)
  await submit(form)
}

async function signIn(form) {
  const mobile = form.elements.mobile
  if (mobile?.type === 'tel') await type(mobile, MOBILE)
  await submit(form)
}

async function enterPassword(form) {
  await type(form.querySelector('input:not([type="hidden"])'), OTP)
  await submit(form)
}

async function agree(form) {
  await pause(STEP_MS)
  const boxes = [...form.elements].filter((it) => it.type === 'checkbox' && !it.checked)
  for (const box of boxes) {
    box.scrollIntoView({ block: 'center' })
    await pause(STEP_MS / 2)
    box.click()
  }
  showStep(5)
  await pause(STEP_MS)
  await press([...form.elements].find((it) => it.matches('button.go[type="submit"]')))
}
