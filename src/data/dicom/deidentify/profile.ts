/**
 * De-identification after PS3.15 annex E: the Basic Application Level Confidentiality Profile with its options, and which
 * action they give an element.
 *
 * Where the table leaves the action to the type that the element has in its object, the one is taken that is right for all
 * types. What the table does not list is kept where it can hold no free text: dates, names, prose and addresses that it
 * passes over are treated as those it lists, and elements that the standard does not know are removed.
 *
 * Left out: pixels and faces (113101, 113102), which stay as they are; graphics (113103): overlays are removed; structured
 * content (113104) and safe private elements (113111).
 */
import { isPixelData } from '../tags.js';
import { representations } from './dictionary.js';
import { table } from './profile-table.js';

/** Edition of the table. */
export const standard = 'PS3.15 2026c';

/** Each with the term by which the table names it, and its code (PS3.16 CID 7050, scheme DCM). */
export const options = {
  'retain-uids': { term: 'uids', code: '113110', meaning: 'Retain UIDs Option' },
  'retain-device': { term: 'device', code: '113109', meaning: 'Retain Device Identity Option' },
  'retain-institution': { term: 'institution', code: '113112', meaning: 'Retain Institution Identity Option' },
  'retain-patient': { term: 'patient', code: '113108', meaning: 'Retain Patient Characteristics Option' },
  'retain-dates': {
    ...{ term: 'dates', code: '113106', meaning: 'Retain Longitudinal Temporal Information Full Dates Option' },
  },
  'modify-dates': {
    ...{ term: 'dates', code: '113107', meaning: 'Retain Longitudinal Temporal Information Modified Dates Option' },
  },
  'clean-descriptors': { term: 'descriptors', code: '113105', meaning: 'Clean Descriptors Option' },
} as const;
export type ProfileOption = keyof typeof options;
export const profileOptions = Object.keys(options) as ProfileOption[];

export const basic = { code: '113100', meaning: 'Basic Application Confidentiality Profile' };

export type Action = 'keep' | 'remove' | 'empty' | 'dummy' | 'uid' | 'shift' | 'clean' | 'age';

export interface Rule {
  /** What is done first; where it cannot be done (a date that is none), `otherwise`. */
  action: Action;
  otherwise: Action;
}

interface Row {
  name: string;
  action: string;
  kept: ReadonlySet<string>;
  cleaned: ReadonlySet<string>;
}

const rows: ReadonlyMap<number, Row> = new Map(
  table.map((line) => {
    const [head, name] = line.split('; ');
    const [tag, action, terms] = head.split(' ');
    const all = terms.split(',');
    const cleaned = all.filter((term) => term.endsWith(':C')).map((term) => term.slice(0, -2));
    return [
      Number.parseInt(tag, 16),
      { name, action, kept: new Set(all.filter((term) => !term.endsWith(':C'))), cleaned: new Set(cleaned) },
    ];
  }),
);

/** The name of an element that the table lists. */
export const nameOf = (tag: number): string | undefined => rows.get(tag)?.name;

const age = 0x0010_1010;

/** Which identify a kind of object or a code, not an instance. */
const classIdentifiers = [
  ...[
    0x0008_0016, 0x0008_001a, 0x0008_001b, 0x0008_0062, 0x0008_010c, 0x0008_0117, 0x0008_0118, 0x0008_1150, 0x0008_115a,
  ],
  ...[0x0400_0010],
];
/** Codes that are too long for a short value. */
const codeValues = [0x0008_0119, 0x0008_0120];

const dates = ['DA', 'DT', 'TM'];
const prose = ['LT', 'ST', 'UC', 'UT'];
const names = ['AE', 'PN', 'UR'];

const ruleOf = (action: Action, otherwise: Action = action): Rule => ({ action, otherwise });

/** Private groups, and curves and overlays (50xx, 60xx), which may draw text. */
function isForeign(tag: number): boolean {
  const group = tag >>> 16;
  return group % 2 === 1 || (group & 0xff00) === 0x5000 || (group & 0xff00) === 0x6000;
}

/** What a profile with these options does with an element. */
export function ruleFor(tag: number, vr: string, chosen: ReadonlySet<ProfileOption>): Rule {
  if (isForeign(tag) || !representations.has(tag)) return ruleOf('remove');
  const row = rows.get(tag);
  if (!row) return unlisted(tag, vr, chosen);
  const basicAction = basicActionOf(row.action, vr);
  for (const name of chosen) {
    const { term } = options[name];
    if (name === 'modify-dates' && row.kept.has(term))
      return ruleOf(dates.includes(vr) ? 'shift' : basicAction, basicAction);
    if (name === 'clean-descriptors' && row.kept.has(term)) return ruleOf('clean', basicAction);
    if (row.cleaned.has(term)) return ruleOf('clean', basicAction);
    if (row.kept.has(term)) return tag === age ? ruleOf('age', basicAction) : ruleOf('keep');
  }
  return ruleOf(basicAction);
}

function basicActionOf(action: string, vr: string): Action {
  // References are kept, with other identifiers inside.
  if (action.includes('U')) return vr === 'SQ' ? 'keep' : 'uid';
  if (vr === 'SQ') return action.includes('X') ? 'remove' : 'empty';
  if (action.includes('D')) return vr === 'UI' ? 'uid' : 'dummy';
  return action.includes('Z') ? 'empty' : 'remove';
}

function unlisted(tag: number, vr: string, chosen: ReadonlySet<ProfileOption>): Rule {
  if (isPixelData(tag) || codeValues.includes(tag)) return ruleOf('keep');
  if (vr === 'UI') return ruleOf(classIdentifiers.includes(tag) || chosen.has('retain-uids') ? 'keep' : 'uid');
  if (dates.includes(vr)) {
    if (chosen.has('retain-dates')) return ruleOf('keep');
    return chosen.has('modify-dates') ? ruleOf('shift', 'empty') : ruleOf('empty');
  }
  if (prose.includes(vr)) return chosen.has('clean-descriptors') ? ruleOf('clean', 'empty') : ruleOf('empty');
  return ruleOf(names.includes(vr) ? 'empty' : 'keep');
}
