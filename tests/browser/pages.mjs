// The pages that are tested, one a line, and the combinations of width and color scheme.

import { SCHEMES, WIDTHS } from './browser.mjs'

/**
 * `open` prepares a new world and returns the path of the page in it.
 * `ready` is a selector of what a script adds, if the page is complete only then.
 * `skip` names the checks that are left out, each with its reason.
 */
export const PAGES = [
  // The HTML has every call; axe finds that the sentence below the heading is in no landmark.
  { name: 'docs', open: () => '/docs', skip: { weight: 'the page transfers 641 kB', axe: 'region: .lead is outside of landmarks' } },
  { name: 'consent-pending', open: async (sandbox) => `/ui/consents/${await sandbox.raiseConsent()}` },
  { name: 'consent-approved', open: async (sandbox) => `/ui/consents/${await sandbox.raiseApprovedConsent()}` },
]

/**
 * Returns the combinations of the page with this place in the list. `full` has all of them; `short`
 * has each scheme once, with alternating widths.
 */
export function listCombinations(mode, index) {
  const widths = Object.keys(WIDTHS)
  if (mode === 'full') return widths.flatMap((width) => SCHEMES.map((scheme) => ({ width, scheme })))
  if (mode === 'short') return SCHEMES.map((scheme, place) => ({ width: widths[(index + place) % widths.length], scheme }))
  throw new Error(`unknown value \`${mode}\` of MOCKAA_BROWSER; use \`short\` or \`full\``)
}
