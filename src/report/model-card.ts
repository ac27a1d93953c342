/**
 * A model card as Markdown, after Mitchell et al. ("Model Cards for Model Reporting", 2019): what a model was made of and
 * how it scored are filled in, what only people can say is asked for.
 */
import { comparisonTables, markdownTable } from '../compare/index.js';
import type { PageData } from './page-data.js';

export function modelCard({
  title,
  description,
  headline,
  notes,
  comparison,
  further = [],
  provenance,
}: PageData): string {
  const { facts = [], command, files = [] } = provenance ?? {};
  const parts: [heading: string, text: string | undefined][] = [
    ['Results', headline && [headline.sentence, ...headline.more].join('\n\n')],
    ['Scores', comparison && [comparison, ...further].flatMap(comparisonTables).map(markdownTable).join('\n\n')],
    ['Limits', notes.map((note) => `- ${note}`).join('\n')],
    ['Intended use', 'To be filled in: for which patients, scanners and questions, and for which not.'],
    ['How it was made', facts.map(([label, value]) => `- ${label}: ${value}`).join('\n')],
    ['Command', command && `\`\`\`sh\n${command}\n\`\`\``],
    ['Files', files.map(({ name, sha256 }) => `- \`${name}\`, SHA-256 \`${sha256}\``).join('\n')],
  ];
  const sections = parts.flatMap(([heading, text]) => (text ? [`## ${heading}\n\n${text}`] : []));
  return `${[`# ${title}`, description, ...sections].join('\n\n')}\n`;
}
