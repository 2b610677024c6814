// A running sandbox, as the tests use it.

import { createCipheriv, pbkdf2Sync } from 'node:crypto'

/** Key and passphrase of the shipped FIU. They are public. */
const FIU_KEY = 'mockaa-dev-fiu-1-api-key'
const FIU_PASSPHRASE = 'mockaa-dev-fiu-1-passphrase'

const PURPOSE = {
  code: '101',
  refUri: 'https://api.rebit.org.in/aa/purpose/101.xml',
  text: 'Wealth management service',
  Category: { type: 'Personal Finance' },
}

/** The theme of the documentation of Unaport's SDK. */
const SAMPLE_THEME = {
  background: '#131313',
  accent: '#1B1B1B',
  primary: '#7762FF',
  primaryText: '#FFFFFF',
  primaryButtonText: '131313',
  secondary: '#C589E4',
  secondaryText: '#F2F2F2',
  disabled: '#1F1F1F',
  disabledText: '#FEFEFE',
  border: '#767676',
  hintText: '#9e9e9e',
  errorText: '#d32f2f',
  loaderColor: '#F2F2F2',
  fontName: 'Open Sans',
}

/**
 * One world of a sandbox: the one whose address is in MOCKAA_URL, or another one. Worlds do not share
 * consents.
 */
export class Sandbox {
  constructor(world, url = process.env.MOCKAA_URL) {
    if (!url) throw new Error('MOCKAA_URL is not set; set it to the address of a sandbox, such as http://127.0.0.1:8080')
    this.baseUrl = `${url.replace(/\/$/, '')}/w/${world}`
  }

  /** Returns the JSON of an answer; an answer without success is an error. */
  async call(method, path, body, headers = { client_api_key: FIU_KEY }) {
    const answer = await fetch(this.baseUrl + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body && JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} is answered with ${answer.status}: ${text}`)
    return JSON.parse(text)
  }

  /** Raises a consent for these FI types, with these terms, as FIU-1 does in ReBIT 2.0.0, and returns its handle. */
  async raiseConsent(fiTypes = ['DEPOSIT'], terms = {}, headers = {}) {
    const { now } = await this.call('GET', '/_mockaa/v1/clock')
    const { ConsentHandle } = await this.call('POST', '/Consent', {
      ver: '2.0.0',
      timestamp: now,
      txnid: '0b811819-9044-4856-b0ee-8c88035f8858',
      ConsentDetail: {
        consentStart: now,
        consentExpiry: '2035-01-01T00:00:00.000Z',
        consentMode: 'STORE',
        fetchType: 'PERIODIC',
        consentTypes: ['PROFILE', 'SUMMARY', 'TRANSACTIONS'],
        fiTypes,
        DataConsumer: { id: 'FIU-1', type: 'FIU' },
        Customer: { id: '9876543210@mockaa' },
        Purpose: PURPOSE,
        FIDataRange: { from: '2024-01-01T00:00:00.000Z', to: '2024-12-31T23:59:59.000Z' },
        DataLife: { unit: 'MONTH', value: 1 },
        Frequency: { unit: 'DAY', value: 10 },
        ...terms,
      },
    }, { client_api_key: FIU_KEY, ...headers })
    return ConsentHandle
  }

  /** Raises a consent, approves it by the control API, and returns its handle. */
  async raiseApprovedConsent() {
    const handle = await this.raiseConsent()
    await this.call('POST', `/_mockaa/v1/consents/${handle}/approve`)
    return handle
  }

  /** Sets the answers of banks to searches for accounts, by FIP id. */
  async setDiscovery(discovery) {
    const fault = { where: { op: 'redirection' }, fault: { discovery } }
    await this.call('PUT', '/_mockaa/v1/faults/discovery', { api_faults: [fault] })
  }

  /** Lets a scenario answer the next consent of a customer after an hour of the world. */
  async answerLater(customer, answer) {
    const scenario = { version: 1, name: 'later', steps: [{ after: '1h', [answer]: {} }] }
    await this.call('PUT', '/_mockaa/v1/scenarios/later', scenario)
    await this.call('POST', '/_mockaa/v1/scenarios/later/pin', { customer })
  }

  /** Changes the shipped FIU. */
  async setFiu(change) {
    await this.call('PUT', '/_mockaa/v1/config/fiu/FIU-1', change)
  }

  /** Gives the shipped FIU a logo in SVG. */
  async setLogo(svg) {
    await this.setFiu({ logo: `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}` })
  }

  /** Returns the path by which FIU-1 sends a customer to these consents (aa-redirection-standards 1.5.0). */
  async redirectionPath(handles) {
    const { now } = await this.call('GET', '/_mockaa/v1/clock')
    const [year, month, day, hour, minute, second] = now.match(/\d+/g)
    const date = `${day}${month}${year}${hour}${minute}${second}0`
    const request = new URLSearchParams({
      txnid: 'T1',
      sessionid: 'S1',
      userid: '9876543210@mockaa',
      redirect: 'https://lender.example/back',
      srcref: handles.join(','),
    })
    const key = pbkdf2Sync(FIU_PASSPHRASE, date, 65536, 32, 'sha256')
    const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16))
    const encrypted = Buffer.concat([cipher.update(request.toString()), cipher.final()])
    const id = Buffer.from('FIU-1').map((byte, place) => byte ^ date.charCodeAt(place))
    const ecreq = encrypted.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
    return `/aa/webview?${new URLSearchParams({ fi: Buffer.from(id).toString('base64'), reqdate: date, ecreq })}`
  }

  /** Logs in, saves a consent template, and returns the path that opens the web SDK with these fields. */
  async viewPath(fields) {
    const login = { emailId: 'dev@lender.example', password: 'any-password' }
    const tokens = await this.call('POST', '/api/v1/public/user/login', login, {})
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    const { orgId } = await this.call('GET', '/api/v1/FIU/getClientOrganisation', undefined, headers)
    const template = {
      product_name: 'Deposits',
      ConsentDetail: {
        consentStart: '2024-10-25T00:00:00.000Z',
        consentExpiry: '12',
        consentMode: 'STORE',
        fetchType: 'ONETIME',
        consentTypes: ['PROFILE', 'SUMMARY', 'TRANSACTIONS'],
        fiTypes: ['DEPOSIT'],
        DataConsumer: { id: 'UNACORES-FIU-UAT' },
        Purpose: PURPOSE,
        FIDataRange: { from: '-12', to: '0' },
        DataLife: { unit: 'YEAR', value: 1 },
        Frequency: { unit: 'MONTH', value: 1 },
      },
    }
    const { productId } = await this.call('POST', `/backend-v2/api/v2/FIU/InsertProduct/${orgId}`, template, headers)
    const config = {
      theme: SAMPLE_THEME,
      productId,
      phoneNumber: '9876543210',
      trackingId: 'LOAN-4713',
      fiuId: 'UNACORES-FIU-UAT',
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      ...fields,
    }
    return `/view?config=${encodeURIComponent(Buffer.from(JSON.stringify(config)).toString('base64'))}`
  }

  /** Begins a customer's visit, and returns its path. */
  async beginVisit(path) {
    const answer = await fetch(this.baseUrl + path, { redirect: 'manual' })
    return answer.headers.get('location').slice(this.baseUrl.length)
  }

  /** Sends a form as a script does, without a browser. */
  async submit(path, form) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(this.baseUrl + path, { method: 'POST', headers, body: form, redirect: 'manual' })
    if (answer.status !== 303) throw new Error(`POST ${path} is answered with ${answer.status}: ${await answer.text()}`)
  }

  /** Returns the status of a consent, such as PENDING or ACTIVE. */
  async consentStatus(handle) {
    return (await this.call('GET', `/_mockaa/v1/consents/${handle}`)).state
  }
}
