/** `graft audit show`: an audit file or a journal as a table. */
import type { Command } from 'commander';
import type { ActEntry, AuditEntry, Line } from '../../../audit/index.js';
import { exitCodes } from '../../../core/index.js';
import { defineCommand } from '../../command.js';
import { type Cell, formatTable } from '../../table.js';

export const registerShow = (group: Command): void =>
  defineCommand(group, {
    name: 'show',
    summary: 'Show an audit file or a journal, a row for every command or act',
    details:
      'Shows the lines that follow from one another, from the first on. Where a line does not, it is named, nothing after it ' +
      `is shown, and the exit code is ${exitCodes.data}. --json has all that was noted: digests of every model, input and ` +
      'output, settings, volumes; the files themselves are JSON lines.',
    arguments: { '<path>': 'audit file or journal, or the folder that it lies in' },
    examples: [
      ['graft audit show predictions', 'who made these masks, and with what'],
      ['graft audit show predictions/graft-audit.jsonl --json', 'with the digest of every file'],
      ['graft audit show site-a', 'what this site was asked for, and what it sent'],
    ],
    async run(context, _, path) {
      const { findAudit, isActEntry, readAudit } = await import('../../../audit/index.js');
      const file = findAudit(path);
      const { lines, head, torn, broken } = readAudit(file);
      const entries = lines.map(({ hash, entry }) => ({ hash, ...entry }));
      const problem = broken
        ? `line ${broken.line} ${broken.problem}; nothing from there on is shown`
        : torn > 0
          ? `line ${lines.length + 1} is cut short after ${torn} bytes, as a crash leaves it`
          : undefined;
      context.print({ file, entries, head, problem }, () => {
        const numbered = lines.map(({ entry }, i) => ({ entry, line: i + 1 }));
        const acts = numbered.flatMap(({ entry, line }) => (isActEntry(entry) ? [actCells(entry, line)] : []));
        const commands = numbered.flatMap(({ entry, line }) => (isActEntry(entry) ? [] : [commandCells(entry, line)]));
        const { width } = context;
        return [
          ...(acts.length > 0 ? [formatTable(actHeader, acts, { width })] : []),
          ...(commands.length > 0 || acts.length === 0 ? [formatTable(commandHeader, commands, { width })] : []),
          ...numbered.flatMap(({ entry, line }) => notesOf(entry).map((text) => `line ${line}: ${text}`)),
          ...(problem ? [`${context.bold('broken:')} ${problem}`] : [`head: ${head}`]),
        ].join('\n');
      });
      return problem ? exitCodes.data : 0;
    },
  });

const timeOf = ({ at }: Line) => `${at.slice(0, 19).replace('T', ' ')} UTC`;
const short = (hashes: Record<string, string> = {}) =>
  Object.entries(hashes)
    .map(([what, hash]) => `${what} ${hash.slice(0, 8)}`)
    .join(', ');

const commandHeader = ['line', 'time', 'user', 'command', 'models', 'inputs', 'outputs', 'warnings', 'outcome'];
const commandCells = (entry: AuditEntry, line: number): Cell[] => [
  String(line),
  timeOf(entry),
  ...[entry.user, entry.command],
  Object.entries(entry.models)
    .map(([what, { name, sha256 }]) => `${what} ${name} ${sha256.slice(0, 8)}`)
    .join(', '),
  ...[entry.inputs, entry.outputs, entry.warnings].map(({ length }) => String(length)),
  entry.outcome,
];

const actHeader = ['line', 'time', 'by', 'act', 'round', 'subject', 'bytes', 'hashes', 'reason'];
const actCells = (entry: ActEntry, line: number): Cell[] => [
  String(line),
  timeOf(entry),
  ...[entry.by, entry.act],
  String(entry.round ?? ''),
  entry.subject ?? '',
  entry.bytes === undefined ? '' : String(entry.bytes),
  short(entry.hashes),
  entry.reason ?? '',
];

const notesOf = (entry: Line): string[] => [
  ...('warnings' in entry ? entry.warnings : []),
  ...(entry.removed ? [`before it were removed: ${entry.removed}`] : []),
];
