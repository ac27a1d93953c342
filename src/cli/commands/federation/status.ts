/** `graft federation status` and `watch`: how a study stands. */
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import type { FederationStatus } from '../../../federation/index.js';
import { defineCommand } from '../../command.js';
import { bytes, duration } from '../../format.js';
import { formatTable } from '../../table.js';

export const registerStatus = (group: Command): void =>
  defineCommand(group, {
    name: 'status',
    summary: 'Show how a study stands, whether or not its coordinator runs',
    arguments: { '<folder>': 'the coordinator’s folder' },
    examples: [
      ['graft federation status fed/', 'rounds and sites'],
      ['graft federation status fed/ --json', 'the same as JSON'],
    ],
    async run(context, _, folder) {
      const { federationStatus } = await import('../../../federation/index.js');
      const status = federationStatus(folder);
      context.print(status, () => describe(status));
    },
  });

export const registerWatch = (group: Command): void =>
  defineCommand(group, {
    name: 'watch',
    summary: 'Show how a study stands, and every change, until its rounds are done',
    arguments: { '<folder>': 'the coordinator’s folder' },
    examples: [['graft federation watch fed/', 'until the rounds are done, or Ctrl-C']],
    async run(context, _, folder) {
      const { federationStatus } = await import('../../../federation/index.js');
      const { signal } = context;
      for (let shown = ''; !signal.aborted; ) {
        const status = federationStatus(folder);
        const text = describe(status);
        // Seconds since a site was heard are no change.
        const key = text.replace(/, [^,]* ago/g, '');
        if (key !== shown) context.print(status, () => `${shown === '' ? '' : '\n'}${text}`);
        shown = key;
        if (status.report !== undefined) return;
        await setTimeout(500, undefined, { signal }).catch(() => {});
      }
    },
  });

function describe({
  study,
  coordinator,
  broker,
  paused,
  done,
  rounds,
  open,
  last,
  sites,
  report,
  journalFault,
}: FederationStatus): string {
  const states = [
    `coordinator ${coordinator}`,
    ...(broker === undefined ? [] : [`broker ${broker}`]),
    ...(paused ? ['paused'] : []),
  ];
  const waited = open?.chosen.filter((site) => !open.accepted.includes(site) && !open.out.includes(site)) ?? [];
  const lines = [
    `${study}: ${done} of ${rounds} rounds are done; ${states.join(', ')}`,
    ...(open
      ? [
          `round ${open.round}: ${open.accepted.length} of ${open.chosen.length} updates are there${waited.length > 0 ? `; waiting for ${waited.join(', ')}` : ''}`,
        ]
      : []),
    ...(last
      ? [
          `last round: ${Object.keys(last.weights).length} sites${last.loss === undefined ? '' : `, loss ${last.loss.toFixed(3)}`}; global state ${last.fingerprint.slice(0, 16)}`,
        ]
      : []),
  ];
  if (journalFault) lines.push(`attention: ${journalFault}`);
  const rows = sites.map(({ name, cases, accepted, refused, moved, seen, reason, leftOut }) => [
    name,
    cases === undefined ? '–' : String(cases),
    String(accepted),
    String(refused),
    bytes(moved),
    seen ? `${seen.doing}, ${duration((Date.now() - Date.parse(seen.heard)) / 1000)} ago` : 'not heard of',
    remarkOf({ leftOut, seen, reason }),
  ]);
  const head = ['site', 'cases', 'updates', 'not taken', 'moved', 'last heard', 'remark'];
  const table = sites.length > 0 ? [formatTable(head, rows)] : ['no site is admitted'];
  return [...lines, ...table, ...(report === undefined ? [] : [`report: ${report}`])].join('\n');
}

function remarkOf({
  leftOut,
  seen,
  reason = '',
}: Pick<FederationStatus['sites'][number], 'leftOut' | 'seen' | 'reason'>): string {
  if (leftOut) return 'left out: its folder is older than what it sent';
  if (seen?.twice) return `was run twice at once, ${duration((Date.now() - Date.parse(seen.twice)) / 1000)} ago`;
  return reason.slice(0, 60);
}
