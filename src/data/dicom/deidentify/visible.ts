/** What an image may show that de-identification of its header does not change: text in the pixels, and faces. */
import type { Elements } from '../data-set.js';
import type { Found } from './rewrite.js';

/** What pixels may tell of a patient. */
export interface Visible {
  /** `yes`: it says so, holds an overlay in unused bits, or is a picture of a screen. `unknown`: of a kind that often has. */
  text: 'yes' | 'unknown' | 'no';
  /** Of a head, or said to have recognisable features. */
  face: boolean;
}

const tags = { burnedIn: 0x0028_0301, features: 0x0028_0302 } as const;
/** Body Part Examined, Study Description, Series Description, Protocol Name. */
const places = [0x0018_0015, 0x0008_1030, 0x0008_103e, 0x0018_1030];
const head = /head|brain|skull|face|sinus|orbit|neck|kopf|hirn|sch(ä|ae)del|hals|t[eê]te|cerveau|cr[aâ]ne/i;

/** Images that scanners measure, and write no text on. */
const measured = ['CT', 'MR', 'PT', 'NM', 'RTDOSE', 'SEG', 'MG', 'DX', 'CR'];
const secondaryCapture = '1.2.840.10008.5.1.4.1.1.7';

/** Looks at the elements of a file as they pass by. */
export class Looker {
  readonly #said = new Map<number, string>();
  #overlayInPixels = false;

  look({ tag, value, depth }: Found): void {
    if (!value || depth > 0) return;
    if (tag === tags.burnedIn || tag === tags.features || places.includes(tag))
      this.#said.set(tag, value.toString('latin1').trim());
    // Overlay Bit Position: retired, but older scanners draw in bits that pixels leave free.
    if (((tag >>> 16) & 0xff00) === 0x6000 && (tag & 0xffff) === 0x0102 && value.some((byte) => byte > 0))
      this.#overlayInPixels = true;
  }

  visible(elements: Elements): Visible {
    const said = this.#said.get(tags.burnedIn);
    const modality = elements.text('modality') ?? '';
    const screen =
      (elements.text('sopClass') ?? '').startsWith(secondaryCapture) ||
      elements.texts('imageType').some((type) => type.includes('SCREEN'));
    const shows = said === 'YES' || this.#overlayInPixels || (screen && said !== 'NO');
    const volume = ['CT', 'MR', 'PT'].includes(modality);
    return {
      text: shows ? 'yes' : said === 'NO' || measured.includes(modality) || !elements.pixels ? 'no' : 'unknown',
      face:
        this.#said.get(tags.features) === 'YES' ||
        (volume && places.some((tag) => head.test(this.#said.get(tag) ?? ''))),
    };
  }
}
