/** `graft audit show`: an audit file as a table. */
import type { Command } from 'commander';
import { exitCodes } from '../../../core/index.js';
import { defineCommand } from '../../command.js';
import { type Cell, formatTable } from '../../table.js';

export const registerShow = (group: Command): void =>
  defineCommand(group, {
    name: 'show',
    summary: 'Show an audit file, a row for every command',
    details:
      'Shows the lines that follow from one another, from the first on. Where a line does not, it is named, nothing after it ' +
      `is shown, and the exit code is ${exitCodes.data}. --json has all that was noted: digests of every model, input and ` +
      'output, settings, volumes.',
    arguments: { '<path>': 'audit file, or the folder that it lies in' },
    examples: [
      ['graft audit show predictions', 'who made these masks, and with what'],
      ['graft audit show predictions/graft-audit.jsonl --json', 'with the digest of every file'],
    ],
    async run(context, _, path) {
      const { findAudit, readAudit } = await import('../../../audit/index.js');
      const file = findAudit(path);
      const { lines, head, torn, broken } = readAudit(file);
      const entries = lines.map(({ hash, entry }) => ({ hash, ...entry }));
      const problem = broken
        ? `line ${broken.line} ${broken.problem}; nothing from there on is shown`
        : torn > 0
          ? `line ${lines.length + 1} is cut short after ${torn} bytes, as a crash leaves it`
          : undefined;
      context.print({ file, entries, head, problem }, () => {
        const rows = entries.map((entry, i): Cell[] => [
          String(i + 1),
          `${entry.at.slice(0, 19).replace('T', ' ')} UTC`,
          ...[entry.user, entry.command],
          Object.entries(entry.models)
            .map(([what, { name, sha256 }]) => `${what} ${name} ${sha256.slice(0, 8)}`)
            .join(', '),
          ...[entry.inputs, entry.outputs, entry.warnings].map(({ length }) => String(length)),
          entry.outcome,
        ]);
        const header = ['line', 'time', 'user', 'command', 'models', 'inputs', 'outputs', 'warnings', 'outcome'];
        const notes = entries.flatMap(({ warnings, removed }, i) =>
          [...warnings, ...(removed ? [`before it were removed: ${removed}`] : [])].map(
            (text) => `line ${i + 1}: ${text}`,
          ),
        );
        return [
          formatTable(header, rows, { width: context.width }),
          ...notes,
          ...(problem ? [`${context.bold('broken:')} ${problem}`] : [`head: ${head}`]),
        ].join('\n');
      });
      return problem ? exitCodes.data : 0;
    },
  });
