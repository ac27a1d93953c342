/** The profile carried out: the new value of each element, and what was done to which of them. */
import { tagName } from '../elements.js';
import { longest } from '../encode.js';
import { nameOf, type ProfileOption, type Rule, ruleFor } from './profile.js';
import type { Change, Found } from './rewrite.js';
import type { Subject } from './subject.js';
import { cleaned } from './vocabulary.js';

/** What was done to an element, in words for the report. */
export type Done = 'removed' | 'emptied' | 'replaced' | 'new identifier' | 'shifted' | 'cleaned';

/** Told of each element that does not stay as it is. */
export type Note = (element: string, name: string, done: Done) => void;

const patientName = 0x0010_0010;
const patientId = 0x0010_0020;

/** Text in whose place a patient may have been named, though the standard has no such thing there. */
const texts = ['LO', 'SH', 'UC', 'LT', 'ST', 'UT'];

const dummies: Record<string, string> = {
  ...{ AE: 'REMOVED', CS: 'REMOVED', LO: 'REMOVED', LT: 'REMOVED', PN: 'REMOVED', SH: 'REMOVED', ST: 'REMOVED' },
  ...{ UC: 'REMOVED', UR: 'urn:removed', UT: 'REMOVED', AS: '000Y', DA: '19000101', DS: '0', DT: '19000101', IS: '0' },
  TM: '000000',
};

export function changeFor(subject: Subject, chosen: ReadonlySet<ProfileOption>, note: Note): Change {
  const rules = new Map<string, Rule>();
  const ruleOf = (tag: number, vr: string) => {
    const id = `${tag} ${vr}`;
    const rule = rules.get(id) ?? ruleFor(tag, vr, chosen);
    rules.set(id, rule);
    return rule;
  };
  return (found) => {
    const { tag, vr, value } = found;
    const rule = ruleOf(tag, vr);
    const say = (done: Done) => note(...shownAs(tag), done);
    const pseudonym = tag === patientName || tag === patientId;
    if (pseudonym) {
      say('replaced');
      return padded(subject.pseudonym, vr);
    }
    const made = carryOut(rule.action, found, subject) ?? carryOut(rule.otherwise, found, subject)!;
    if (made !== 'keep') {
      if (made.done && (value === undefined || value.length > 0)) say(made.done);
      return made.value;
    }
    if (value && texts.includes(vr) && !subject.harmless(value)) {
      say('emptied');
      return Buffer.alloc(0);
    }
    return 'keep';
  };
}

interface Made {
  value: Uint8Array | undefined;
  /** Undefined where the value is what it was. */
  done: Done | undefined;
}

/** @returns undefined where the action cannot be carried out on this value */
function carryOut(action: Rule['action'], { vr, value }: Found, subject: Subject): Made | 'keep' | undefined {
  switch (action) {
    case 'keep':
      return 'keep';
    case 'remove':
      return { value: undefined, done: 'removed' };
    case 'empty':
      return { value: Buffer.alloc(0), done: 'emptied' };
    case 'dummy':
      // An empty value tells nothing.
      return { value: value?.length ? dummyOf(vr, value) : Buffer.alloc(0), done: 'replaced' };
    case 'uid':
      return uidsOf(vr, value, subject);
    case 'shift':
      return shifted(vr, value, subject.daysEarlier);
    case 'clean':
      return cleanOf(vr, value, subject);
    case 'age':
      // Few are older; HIPAA (45 CFR 164.514(b)(2)(i)(C)) makes them one group.
      if (!value || !/^\d{3}Y/.test(value.toString('latin1')) || value.toString('latin1') <= '089Y') return 'keep';
      return { value: padded('090Y', vr), done: 'replaced' };
  }
}

/** Values that tell nothing, as many bytes as there were where they are binary. */
const dummyOf = (vr: string, value: Buffer): Uint8Array =>
  dummies[vr] === undefined ? Buffer.alloc(value.length) : padded(dummies[vr], vr);

/** Identifiers of the standard itself stay: they name kinds, not instances. */
function uidsOf(vr: string, value: Buffer | undefined, { uid }: Subject): Made | 'keep' {
  const all = value?.toString('latin1').replace(/[\0 ]+$/, '') ?? '';
  const made = all
    .split('\\')
    .map((one) => one.trim())
    .map((one) => (one === '' || one.startsWith('1.2.840.10008.') ? one : uid(one)))
    .join('\\');
  return made === all ? 'keep' : { value: padded(made, vr), done: 'new identifier' };
}

function shifted(vr: string, value: Buffer | undefined, daysEarlier: number): Made | 'keep' | undefined {
  // Days are shifted whole, so the time of day stays.
  if (vr === 'TM') return 'keep';
  const all = value?.toString('latin1').replace(/[\0 ]+$/, '') ?? '';
  if (all === '') return 'keep';
  const moved = all.split('\\').map((one) => moveDate(one.trim(), vr, daysEarlier));
  if (moved.includes(undefined)) return undefined;
  return { value: padded(moved.join('\\'), vr), done: 'shifted' };
}

/** @returns undefined for what is no whole date */
function moveDate(text: string, vr: string, daysEarlier: number): string | undefined {
  const [, year, month, day, time] = /^(\d{4})\.?(\d\d)\.?(\d\d)([\d.+-]*)$/.exec(text) ?? [];
  if (!year || (time !== '' && vr !== 'DT')) return undefined;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCFullYear() !== Number(year)) return undefined;
  date.setUTCDate(date.getUTCDate() - daysEarlier);
  return `${date.toISOString().slice(0, 10).replaceAll('-', '')}${time}`;
}

function cleanOf(vr: string, value: Buffer | undefined, { decode, names }: Subject): Made | undefined {
  if (!value || !texts.includes(vr)) return undefined;
  const kept = cleaned(decode(value), names);
  // Nothing that was left is nothing to be cleaned: what the basic profile says then holds.
  return kept === '' ? undefined : { value: padded(kept.slice(0, longest[vr as 'LO']).trimEnd(), vr), done: 'cleaned' };
}

/** Of even length: identifiers end in a zero byte, text in a space. */
export const padded = (text: string, vr: string): Buffer =>
  Buffer.from(text.length % 2 === 0 ? text : `${text}${vr === 'UI' ? '\0' : ' '}`, 'latin1');

/** Private elements and overlays are told of as one each. */
function shownAs(tag: number): [element: string, name: string] {
  const group = tag >>> 16;
  if (group % 2 === 1) return ['private', 'Private elements'];
  if ((group & 0xff00) === 0x6000) return ['(60xx,xxxx)', 'Overlays'];
  if ((group & 0xff00) === 0x5000) return ['(50xx,xxxx)', 'Curves'];
  return [`(${tagName(tag)})`, nameOf(tag) ?? 'not in the table of the profile'];
}
