// An FIU that integrates with Unaport's FIU API v2.0.0 and plays a whole journey against mockaa.
// It knows the published page only: the calls, bodies and paths come from the page and from the
// Postman collection that the page offers for download. No setting of the sandbox is changed.
//
// Run it as `node tests/clients/unaport.mjs [PATH_TO_MOCKAA]`; without an argument it uses $MOCKAA,
// else `mockaa` on the PATH. It needs only Node 20.
// Exit code 0: every check passed; 1: at least one failed.

import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { inspect, isDeepStrictEqual } from 'node:util'

const MOCKAA = process.argv[2] ?? process.env.MOCKAA ?? 'mockaa'
// Settings of the developer's environment must not change the test.
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MOCKAA_')))
const WAIT_MS = 20_000
const DAY_MS = 86_400_000
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
const FIU_ID = 'UNACORES-FIU-UAT'
const failures = []

function checkEqual(label, actual, expected) {
  if (isDeepStrictEqual(actual, expected)) return console.log(`ok    ${label}`)
  const format = (value) => inspect(value, { breakLength: Infinity, depth: 4 })
  console.log(`FAIL  ${label}: ${format(actual)}, expected ${format(expected)}`)
  failures.push(label)
}

// The types of the page's tables.
const isText = (value) => typeof value === 'string' && value !== ''
const isNumber = Number.isFinite
const isTime = (value) => isText(value) && !Number.isNaN(Date.parse(value))
const isDate = (value) => /^\d{4}-\d\d-\d\d$/.test(value)
const isAmount = (value) => isText(value) && /^-?\d+(\.\d+)?$/.test(value)
const isUuid = (value) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)
const orNull = (isType) => (value) => value === null || isType(value)

/** Returns the paths of the fields that are missing or of another type than the page's table says. */
function findWrongFields(value, shape, path = '') {
  return Object.entries(shape).flatMap(([name, isExpected]) => {
    const [field, place] = [value?.[name], `${path}${name}`]
    if (typeof isExpected === 'object') return findWrongFields(field, isExpected, `${place}.`)
    return isExpected(field) ? [] : [`${place}: ${inspect(field)}`]
  })
}

function checkFields(label, value, shape) {
  checkEqual(`${label}: the page's fields`, findWrongFields(value, shape), [])
}

/** Returns a shape whose fields have one type. */
const allOf = (isType, names) => Object.fromEntries(names.split(' ').map((name) => [name, isType]))

const ENVELOPE = { ...allOf(isText, 'version txnId'), timestamp: isTime }
const REBIT_ENVELOPE = { ver: isText, timestamp: isTime, txnid: isUuid }
const TOKENS = {
  ...ENVELOPE, ...allOf(isText, 'access_token refresh_token token_type'),
  ...allOf(isNumber, 'expires_in refresh_expires_in'),
}
const ENTITY = allOf(isText, 'entityId id')
const ORGANISATION = { ...allOf(isText, 'ver orgId txnId'), timestamp: isTime, fiulive: ENTITY, fiutest: ENTITY }
const CREATED_CONSENT = {
  ...REBIT_ENVELOPE, Customer: { id: isText }, ...allOf(isText, 'ConsentHandle success redirectUrl'),
}
const CREATED_TEMPLATE = { ...ENVELOPE, ...allOf(isText, 'productId productName') }
const CONSENT_ROW = {
  ...allOf(isText, 'trackingId vuaId orgId consentHandle approveStatus consentStatus fetchType'),
  ...allOf(isText, 'createdBy aaId consentsDetail'),
  ...allOf(isNumber, 'id consentidCalled runCounter'), ...allOf(isTime, 'createdAt consentStart consentExpried'),
  ...allOf(orNull(isTime), 'nextRuntime updatedOn'), consentidError: orNull(isText),
}
// The page gives a consent its id, artefact and runs after the approval only.
const PENDING_ROW = { ...CONSENT_ROW, consentId: (value) => value === null }
const ACTIVE_ROW = {
  ...CONSENT_ROW, ...allOf(isText, 'consentId signedConsent'), ...allOf(isTime, 'notificationDate lastRuntime'),
}
const NOTIFICATION = { ...REBIT_ENVELOPE, Notifier: allOf(isText, 'type id') }
const CONSENT_NOTIFICATION = {
  ...NOTIFICATION, ConsentStatusNotification: allOf(isText, 'consentId consentHandle consentStatus'),
}
const ACCOUNT_STATUS = { ...allOf(isText, 'linkRefNumber FIStatus'), description: (value) => typeof value === 'string' }
const FIP_STATUS = { fipID: isText, Accounts: { 0: ACCOUNT_STATUS } }
const DATA_NOTIFICATION = {
  ...NOTIFICATION,
  FIStatusNotification: { ...allOf(isText, 'sessionId sessionStatus'), FIStatusResponse: { 0: FIP_STATUS } },
}
const ANALYTICS_NOTIFICATION = { ...ENVELOPE, ...allOf(isText, 'sessionId status'), analyticId: Array.isArray }
const SUMMARY = {
  ...allOf(isText, 'orgId branch status currency fip accountNumber sessionId ifscCode microCode accountType'),
  ...allOf(isAmount, 'currentBalance currentOdLimit drawingLimit'),
  id: orNull(isText), createdAt: isTime, openingDate: isDate,
  facility: orNull(isText), // differs: the page says String (such as OD); the sandbox answers null
}
const ACCOUNT_HOLDER = {
  ...allOf(isText, 'name nominee email pan address mobile fetchType accountHoldertype ckycCompliance'), dob: isDate,
}
const TRANSACTION = {
  ...allOf(isText, 'narration mode txnId reference'), ...allOf(isAmount, 'amount currentBalance'),
  tranTimestamp: isTime, type: (value) => ['DEBIT', 'CREDIT'].includes(value),
}

/** The FIU's server, whose URL is the page's `base_url`. It keeps each webhook until the FIU waits for it. */
class WebhookInbox {
  #received = []
  #waiting = []

  async start() {
    // The page names neither the paths of the webhooks nor the answer, so the FIU accepts every path,
    // tells the webhooks apart by their bodies and answers 200.
    this.server = createServer(async (request, response) => {
      const chunks = await request.toArray()
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      this.#accept(JSON.parse(Buffer.concat(chunks)))
    }).listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    this.url = `http://127.0.0.1:${this.server.address().port}`
  }

  #accept(body) {
    const index = this.#waiting.findIndex(({ isWanted }) => isWanted(body))
    if (index < 0) this.#received.push(body)
    else this.#waiting.splice(index, 1)[0].resolve(body)
  }

  /** Returns the first webhook that is wanted, and removes it; an error after 20 seconds. */
  async take(name, isWanted) {
    const index = this.#received.findIndex(isWanted)
    if (index >= 0) return this.#received.splice(index, 1)[0]
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${name} webhook within ${WAIT_MS} ms`)), WAIT_MS)
      this.#waiting.push({ isWanted, resolve: (body) => (clearTimeout(timer), resolve(body)) })
    })
  }

  takeConsentStatus = (handle, status) =>
    this.take(`consent ${status}`, ({ ConsentStatusNotification: notification }) =>
      notification?.consentHandle === handle && notification.consentStatus === status)
  takeDataStatus = (status) =>
    this.take(`data ${status}`, (body) => body.FIStatusNotification?.sessionStatus === status)
  takeAnalytics = (sessionId) =>
    this.take('analytics', (body) => 'analyticId' in body && body.sessionId === sessionId)
}

/** Starts `mockaa serve` on a free port, in its default mode. Returns the process and its base URL. */
async function startSandbox(fiuUrl) {
  const options = { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'ignore'] }
  const child = spawn(MOCKAA, ['serve', '--port', '0', '--fiu-url', fiuUrl], options)
  const exit = once(child, 'exit')
  const lines = createInterface(child.stdout)
  const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close'), exit])
  if (!line) throw new Error(`${MOCKAA} serve ended before it was ready`)
  return { child, exit, baseUrl: JSON.parse(line).base_url }
}

/** The FIU's calls, named after the page's. Each returns the JSON of a 200. */
class UnaportClient {
  constructor(baseUrl) {
    // The collection's variables `baseUrl` and `appUrl`, with the sandbox's host.
    this.authUrl = `${baseUrl}/api/v1`
    this.appUrl = `${baseUrl}/backend-v2/api/v2/FIU`
    this.controlUrl = `${baseUrl}/_mockaa/v1`
  }

  send(method, url, body, token = this.token) {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    return fetch(url, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(WAIT_MS) })
  }

  async #call(method, url, body) {
    const response = await this.send(method, url, body)
    if (response.status === 200) return response.json()
    throw new Error(`${method} ${url} returned ${response.status}: ${await response.text()}`)
  }

  #get = (path) => this.#call('GET', `${this.appUrl}/${path}`)
  #post = (path, body) => this.#call('POST', `${this.appUrl}/${path}`, body)

  login = (emailId, password) => this.#call('POST', `${this.authUrl}/public/user/login`, { emailId, password })
  refreshToken = (token) => this.#call('POST', `${this.authUrl}/public/user/refreshToken`, { refresh_token: token })
  getOrganisation = () => this.#call('GET', `${this.authUrl}/FIU/getClientOrganisation`)
  createTemplate = (template) => this.#post(`InsertProduct/${this.orgId}`, template)
  listTemplates = () => this.#get(`ProductList/${this.orgId}`)
  createConsent = (request) => this.#post(`Consents/${this.orgId}`, request)
  createConsentWithTemplate = (request) => this.#post(`Consents/product/${this.orgId}`, request)
  getConsent = async (handle) => (await this.#get(`GetConsent/${handle}`)).Data[0]
  fetchDataStatus = (handle) => this.#get(`FINotification/${handle}`)
  fetchData = (sessionId) => this.#get(`FifetchDataBySessionId/${sessionId}`)
  generateAnalytics = (sessionId) => this.#get(`FI/Analytic/${this.orgId}/${sessionId}`)
  fetchAccountDetails = (sessionId) => this.#get(`FI/AccountDetail/${sessionId}`)
  fetchAnalytics = (analyticId, sessionId) => this.#get(`Analitic/${analyticId}/${sessionId}`)
  exportData = (sessionId) => this.#export(`Export/${FIU_ID}/${sessionId}`)
  exportAnalytics = (analyticId) => this.#export(`Analitic/Export/${analyticId}`)

  /** Returns the status, the media type and the first two bytes of an exported file. */
  async #export(path) {
    const response = await this.send('GET', `${this.appUrl}/${path}`)
    const file = Buffer.from(await response.arrayBuffer())
    return [response.status, response.headers.get('content-type'), file.toString('latin1', 0, 2)]
  }

  /** Acts as the customer, by the sandbox's control API, which is no part of the page. */
  async actAsCustomer(verb, handle) {
    const response = await this.send('POST', `${this.controlUrl}/consents/${handle}/${verb}`, undefined, null)
    checkEqual(`the customer's ${verb}`, response.status, 200)
  }
}

const buildTime = (offsetMs = 0) => new Date(Date.now() + offsetMs).toISOString()
const buildPurpose = (code, text, type) =>
  ({ code, refUri: `https://api.rebit.org.in/aa/purpose/${code}.xml`, text, Category: { type } })
const DATA_RANGE = { from: '2023-04-23T00:00:00.000Z', to: '2024-04-23T00:00:00.000Z' }
const CONSENT_TYPES = ['PROFILE', 'SUMMARY', 'TRANSACTIONS']
const PARTIES = {
  createdBy: 'developer@example.com', aaId: 'UNACORES-AA-UAT', fiuId: FIU_ID,
  redirectUrl: 'https://console.sandbox.unaport.com/admin/consent',
  fiuBaseUrl: 'https://api.sandbox.unaport.com/backend-v2/api/v2',
}

/** Returns the sample of "Create Consent w/o Template". It ends in a day, not at midnight. */
function buildConsentRequest() {
  return {
    vuaId: '9', trackingId: '4', ...PARTIES,
    ConsentsRequest: {
      ver: '2.0.0', timestamp: buildTime(), txnid: randomUUID(),
      ConsentDetail: {
        consentStart: buildTime(), consentExpiry: buildTime(DAY_MS), consentMode: 'STORE', fetchType: 'ONETIME',
        consentTypes: CONSENT_TYPES, fiTypes: ['DEPOSIT'], DataConsumer: { id: FIU_ID, type: 'FIU' },
        Customer: { id: '', Identifiers: [{ type: 'MOBILE', value: '9999999999' }] },
        Purpose: buildPurpose('103', 'Aggregated statement', 'Financial Reporting'),
        FIDataRange: DATA_RANGE, DataLife: { unit: 'DAY', value: 1 }, Frequency: { unit: 'DAY', value: 1 },
      },
    },
  }
}

/** Returns the sample of "Create Consent Template". */
function buildTemplate() {
  return {
    product_name: 'Deposits2',
    ConsentDetail: {
      consentStart: buildTime(), consentExpiry: '12', consentMode: 'STORE', fetchType: 'ONETIME',
      consentTypes: CONSENT_TYPES, fiTypes: ['DEPOSIT'], DataConsumer: { id: FIU_ID },
      Purpose: buildPurpose('101', 'Wealth management service', 'Personal Finance'),
      FIDataRange: { from: '-12', to: '12' },
      DataLife: { unit: 'YEAR', value: 1 }, Frequency: { unit: 'MONTH', value: 1 }, DataFilter: [{}],
    },
  }
}

async function logIn(client) {
  const tokens = await client.login('developer@example.com', '*********')
  checkFields('login', tokens, TOKENS)
  client.token = tokens.access_token
  const refreshed = await client.refreshToken(tokens.refresh_token)
  checkFields('refresh token', refreshed, TOKENS)
  checkEqual('refresh token: the access token is new', refreshed.access_token === tokens.access_token, false)
  client.token = refreshed.access_token
  const organisation = await client.getOrganisation()
  checkFields('organisation', organisation, ORGANISATION)
  client.orgId = organisation.orgId
}

/** Creates a consent without a template; returns its handle. */
async function createConsent(client) {
  const created = await client.createConsent(buildConsentRequest())
  const handle = created.ConsentHandle
  checkFields('create consent', created, CREATED_CONSENT)
  checkEqual('create consent: the customer', created.Customer.id, '9999999999@ink')
  const pending = await client.getConsent(handle)
  checkFields('the pending consent', pending, PENDING_ROW)
  checkEqual('the pending consent: status', [pending.approveStatus, pending.consentStatus], ['PENDING', 'CREATED'])
  checkEqual('the pending consent: no data', await client.fetchDataStatus(handle), { data: [], status: 'success' })
  return handle
}

async function awaitApproval(client, inbox, handle) {
  await client.actAsCustomer('approve', handle)
  // The page notifies the FIU of the approval status READY and of the consent status ACTIVE.
  checkFields('the READY webhook', await inbox.takeConsentStatus(handle, 'READY'), CONSENT_NOTIFICATION)
  const notification = await inbox.takeConsentStatus(handle, 'ACTIVE')
  checkFields('the ACTIVE webhook', notification, CONSENT_NOTIFICATION)
  checkEqual('the ACTIVE webhook: notifier', notification.Notifier, { type: 'AA', id: PARTIES.aaId })
  const active = await client.getConsent(handle)
  checkFields('the active consent', active, ACTIVE_ROW)
  checkEqual('the active consent: status', [active.approveStatus, active.consentStatus], ['READY', 'ACTIVE'])
  checkEqual('the active consent: id', active.consentId, notification.ConsentStatusNotification.consentId)
}

/** Waits for the bank data of a consent; returns its session. */
async function awaitData(client, inbox, handle) {
  const notification = await inbox.takeDataStatus('COMPLETED')
  checkFields('the data webhook', notification, DATA_NOTIFICATION)
  const { sessionId, FIStatusResponse } = notification.FIStatusNotification
  checkEqual('the data webhook: the account', FIStatusResponse[0].Accounts[0].FIStatus, 'READY')
  // The data webhook names no consent; the status call connects its session with the handle.
  const { status, data } = await client.fetchDataStatus(handle)
  checkFields('data status', data.at(-1), DATA_NOTIFICATION)
  const session = data.at(-1).FIStatusNotification
  checkEqual('data status: the session', [status, session.sessionId], ['success', sessionId])
  checkEqual('data status: the status', session.sessionStatus, 'COMPLETED')
  return sessionId
}

/** Checks that the transactions of an account lead from its first balance to its last. */
function checkSum(transactions) {
  const parsePaise = (amount) => Math.round(Number(amount) * 100)
  const changes = transactions.map(({ type, amount }) => (type === 'CREDIT' ? 1 : -1) * parsePaise(amount))
  const total = changes.slice(1).reduce((sum, change) => sum + change, 0)
  const [first, last] = [transactions[0], transactions.at(-1)].map((row) => parsePaise(row.currentBalance))
  checkEqual('fetch data: credits minus debits is the change of the balance', total, last - first)
}

/** Fetches and checks the data of a session; returns the transactions. */
async function readData(client, sessionId) {
  const data = await client.fetchData(sessionId)
  checkFields('fetch data', data, ENVELOPE)
  checkEqual('fetch data: tabs', data.tabs, [{ name: 'DEPOSIT' }])
  const { summary, accountHolder, transactions } = data.DEPOSIT
  for (const account of summary) checkFields('fetch data: summary', account, SUMMARY)
  for (const holder of accountHolder) checkFields('fetch data: account holder', holder, ACCOUNT_HOLDER)
  const wrong = transactions.flatMap((transaction) => findWrongFields(transaction, TRANSACTION))
  checkEqual('fetch data: transactions exist and have the page\'s fields', [transactions.length > 0, wrong], [true, []])
  for (const { accountNumber } of summary) checkSum(transactions.filter((row) => row.accountNumber === accountNumber))
  const times = transactions.map(({ tranTimestamp }) => Date.parse(tranTimestamp))
  const isInRange = (time) => time >= Date.parse(DATA_RANGE.from) && time <= Date.parse(DATA_RANGE.to)
  checkEqual('fetch data: every transaction is within FIDataRange', times.every(isInRange), true)
  checkEqual('export data: an XLSX file', await client.exportData(sessionId), [200, XLSX, 'PK'])
  return transactions
}

async function readAnalytics(client, inbox, sessionId, transactions) {
  const generated = await client.generateAnalytics(sessionId)
  checkFields('generate analytics', generated, { reportId: isText, status: isText })
  checkEqual('generate analytics: status', generated.status, '200')
  const notification = await inbox.takeAnalytics(sessionId)
  checkFields('the analytics webhook', notification, ANALYTICS_NOTIFICATION)
  checkEqual('the analytics webhook: status', notification.status, 'SUCCESS')
  const [analyticId] = notification.analyticId
  const [account] = await client.fetchAccountDetails(sessionId)
  checkEqual('account details: the analytic id', account.analytic_id, analyticId)
  const { overview } = await client.fetchAnalytics(analyticId, sessionId)
  checkEqual('fetch analytics: every transaction counts', overview.transactionCount, transactions.length)
  checkEqual('export analytics: an XLSX file', await client.exportAnalytics(analyticId), [200, XLSX, 'PK'])
}

async function rejectConsentWithTemplate(client, inbox) {
  const template = await client.createTemplate(buildTemplate())
  checkFields('create template', template, CREATED_TEMPLATE)
  const { Data: templates } = await client.listTemplates()
  checkEqual('list templates', templates.map(({ productId }) => productId), [template.productId])
  const sample = { vuaId: '', mobileNumber: '9999999999', trackingId: 'created with product', ...PARTIES }
  const created = await client.createConsentWithTemplate({ ...sample, productId: template.productId })
  checkFields('create consent with template', created, CREATED_CONSENT)
  await client.actAsCustomer('reject', created.ConsentHandle)
  const { ConsentStatusNotification: notification } = await inbox.takeConsentStatus(created.ConsentHandle, 'FAILED')
  const { approveStatus, consentId } = await client.getConsent(created.ConsentHandle)
  checkEqual('the rejected consent', [approveStatus, consentId, notification.consentId], ['FAILED', null, null])
}

async function revokeConsent(client, inbox, handle) {
  // differs: the page names the parameters of "Revoke Consent", org_id and consentId, but no URL, and
  // the collection has no such call. So the customer revokes the consent instead of the FIU.
  await client.actAsCustomer('revoke', handle)
  checkFields('the REVOKED webhook', await inbox.takeConsentStatus(handle, 'REVOKED'), CONSENT_NOTIFICATION)
  checkEqual('the revoked consent', (await client.getConsent(handle)).consentStatus, 'REVOKED')
}

/** Sends a call that the AA must reject; returns the status and the message. */
async function sendInvalid(client, method, path, body, token) {
  const response = await client.send(method, `${client.appUrl}/${path}`, body, token)
  return [response.status, (await response.json()).message]
}

async function sendInvalidCalls(client, handle) {
  const [status, message] = await sendInvalid(client, 'GET', `GetConsent/${handle}`, undefined, 'not-a-token')
  checkEqual('a wrong token is rejected in words', [status, isText(message)], [401, true])
  const { aaId, ...request } = buildConsentRequest()
  const [invalid, reason] = await sendInvalid(client, 'POST', `Consents/${client.orgId}`, request)
  checkEqual('a consent without aaId is rejected in words', [invalid, reason.includes('aaId')], [400, true])
}

async function playJourney(client, inbox) {
  await logIn(client)
  const handle = await createConsent(client)
  await awaitApproval(client, inbox, handle)
  const sessionId = await awaitData(client, inbox, handle)
  const transactions = await readData(client, sessionId)
  await readAnalytics(client, inbox, sessionId, transactions)
  await rejectConsentWithTemplate(client, inbox)
  await revokeConsent(client, inbox, handle)
  await sendInvalidCalls(client, handle)
}

const inbox = new WebhookInbox()
await inbox.start()
const sandbox = await startSandbox(inbox.url)
try {
  await playJourney(new UnaportClient(sandbox.baseUrl), inbox)
} catch (error) {
  checkEqual('the journey ends without an error', error.message, undefined)
} finally {
  sandbox.child.kill('SIGTERM')
  checkEqual('the exit code of the sandbox', (await sandbox.exit)[0], 0)
  inbox.server.closeAllConnections()
  inbox.server.close()
}
console.log(failures.length ? `${failures.length} checks failed` : 'all checks passed')
process.exitCode = failures.length ? 1 : 0
