/** Tables for a paper: LaTeX with the rules of the package booktabs, the best of a column bold. */
import type { ComparisonTable } from './tables.js';

/** A table for a paper: LaTeX with the rules of the package booktabs, the best of a column bold. */
export function latexTable({ id, caption, header, rows, key }: ComparisonTable): string {
  const line = (cells: readonly string[]) => `    ${cells.join(' & ')} \\\\`;
  return [
    '% \\usepackage{booktabs}',
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${escaped(caption)}. ${escaped(key)}}`,
    `  \\label{tab:${id}}`,
    `  \\begin{tabular}{l${'r'.repeat(header.length - 1)}}`,
    '    \\toprule',
    line(header.map(escaped)),
    '    \\midrule',
    ...rows.map((cells) => line(cells.map(({ text, best }) => (best ? `\\textbf{${escaped(text)}}` : escaped(text))))),
    '    \\bottomrule',
    '  \\end{tabular}',
    '\\end{table}',
  ].join('\n');
}

const commands: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  '−': '$-$',
  '∞': '$\\infty$',
  '<': '$<$',
  '>': '$>$',
  '–': '--',
  '*': '$^{*}$',
};

/** With what LaTeX would take for its own written out. */
const escaped = (text: string): string =>
  text.replace(/[\\~^±−∞<>–*&%$#_{}]/g, (character) => commands[character] ?? `\\${character}`);
