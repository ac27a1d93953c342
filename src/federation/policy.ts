/**
 * A hospital's rules: what its site takes part in, whatever the coordinator asks for. They are in `policy.yaml` beside the
 * site's keys, which only the hospital changes; what a rule does not allow is refused with the rule's name.
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { networkFamilies } from '../networks/index.js';
import { federationError } from './errors.js';
import { readSettings } from './settings.js';
import type { Study } from './study.js';

/** Plans that train low-rank adapters, which hold less of single images than whole weights do. */
const adapterPlans = (): string[] => [
  ...new Set(
    Object.values(networkFamilies).flatMap(({ plans }) =>
      Object.values(plans).flatMap(({ name, adapter }) => (adapter ? [name] : [])),
    ),
  ),
];

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as "19:30", in quotes');
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

export const policySchema = z.strictObject({
  coordinator: z
    .string()
    .nullable()
    .default(null)
    .describe('the six words of the coordinator’s key; kits of any other are refused; null accepts every one'),
  plans: z
    .array(z.string())
    .min(1)
    .default(adapterPlans)
    .describe('training plans that may run; default: those that train adapters, not whole weights'),
  maxRounds: z.int().min(1).default(100).describe('rounds that a study may have'),
  minCases: z.int().min(1).default(10).describe('training cases below which the site does not take part'),
  metrics: z.array(z.string()).default(['loss']).describe('numbers about training that may leave beside the update'),
  hours: z
    .strictObject({
      from: time.describe('local time'),
      to: time.describe('local time; before `from`: on the next day'),
      days: z
        .array(z.enum(weekdays))
        .min(1)
        .default([...weekdays])
        .describe('on which the hours begin'),
    })
    .nullable()
    .default(null)
    .describe('when training may run; null: at any time'),
  diskGB: z.number().positive().default(20).describe('what the site’s folder may take, in GB (10⁹ bytes)'),
  threads: z
    .int()
    .min(1)
    .default(() => Math.max(1, Math.floor(availableParallelism() / 2)))
    .describe('processor cores for training; default: half of the machine’s'),
});
export type Rules = z.output<typeof policySchema>;

export interface Policy {
  file: string;
  rules: Rules;
}

/** @throws GraftError SETTINGS_INVALID */
export const readPolicy = (file: string): Policy => ({ file, rules: readSettings(policySchema, file) });

const refuse = ({ file }: Policy, rule: keyof Rules, problem: string) =>
  federationError('POLICY_REFUSES', { file, rule, problem });

/** @throws GraftError POLICY_REFUSES with the first rule that the study breaks */
export function checkStudy(policy: Policy, { plan, federation, privacy, base }: Study): void {
  const { plans, metrics } = policy.rules;
  if (!plans.includes(plan))
    throw refuse(policy, 'plans', `the study trains the plan ${plan}, and allowed are ${plans.join(', ')}`);
  checkRounds(policy, federation.rounds);
  const more = privacy.metrics.filter((name) => !metrics.includes(name));
  if (more.length > 0)
    throw refuse(policy, 'metrics', `the study asks for ${more.join(', ')}, and allowed are ${metrics.join(', ')}`);
  checkDisk(policy, base.bytes);
}

/** Also of a study that goes on for longer than was agreed. @throws GraftError POLICY_REFUSES */
export function checkRounds(policy: Policy, rounds: number): void {
  const { maxRounds } = policy.rules;
  if (rounds > maxRounds)
    throw refuse(policy, 'maxRounds', `the study has ${rounds} rounds, and ${maxRounds} are allowed`);
}

/** @param count training cases at the site @throws GraftError POLICY_REFUSES */
export function checkCases(policy: Policy, { privacy }: Study, count: number): void {
  const needed = Math.max(policy.rules.minCases, privacy.minCases);
  if (count < needed) throw refuse(policy, 'minCases', `there are ${count} training cases, and ${needed} are needed`);
}

/** @param bytes that the site's folder takes, or is going to take @throws GraftError POLICY_REFUSES */
export function checkDisk(policy: Policy, bytes: number): void {
  const { diskGB } = policy.rules;
  const taken = bytes / 1e9;
  if (taken > diskGB)
    throw refuse(policy, 'diskGB', `${Number(taken.toPrecision(2))} GB are needed, and ${diskGB} are allowed`);
}

/** Whether training may run at this moment. */
export function mayRun({ rules: { hours } }: Policy, now = new Date()): boolean {
  if (!hours) return true;
  const { from, to, days } = hours;
  const clock = [now.getHours(), now.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
  const today = weekdays[now.getDay()];
  const yesterday = weekdays[(now.getDay() + 6) % 7];
  if (from < to) return days.includes(today) && clock >= from && clock < to;
  return (days.includes(today) && clock >= from) || (days.includes(yesterday) && clock < to);
}

/** When it may run next, to the minute. */
export function mayRunFrom(policy: Policy, now = new Date()): Date {
  const minute = 60_000;
  let at = Math.floor(now.getTime() / minute) * minute;
  const week = at + 8 * 24 * 60 * minute; // every day comes again in it
  while (!mayRun(policy, new Date(at)) && at < week) at += minute;
  return new Date(at);
}

/** A new policy with every rule, to be read and changed by people. */
export const examplePolicy =
  (): string => `# What this hospital's site takes part in, whatever a coordinator asks for. A kit or a round that a rule does not allow is
# refused, and the refusal names the rule. graft reads this file at every start; only people write it.

# The six words of the coordinator's key, as its administrator reads them out by telephone. Kits of anybody else are refused.
# coordinator: six words of the coordinator's key

# Training plans that may run. These train low-rank adapters; "full" would send every weight of the network.
plans: [${adapterPlans().join(', ')}]

# Rounds that a study may have.
maxRounds: 100

# Training cases below which the site does not take part: an update of few patients says more about each.
minCases: 10

# Numbers about training that may leave beside the update.
metrics: [loss]

# When training may run, in local time; without this key at any time.
# hours: { from: "19:00", to: "06:30", days: [mon, tue, wed, thu, fri] }

# What the site's folder may take, in GB, and processor cores for training (default: half of the machine's).
diskGB: 20
# threads: 4
`;
