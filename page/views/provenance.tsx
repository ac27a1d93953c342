/** How to cite and to repeat what is shown: with what it was made, and as files for papers and other programs. */
import { comparisonTables, latexTable } from '../../src/compare/index.js';
import { modelCard } from '../../src/report/model-card.js';
import type { PageData } from '../../src/report/page-data.js';
import { provenanceSection } from '../../src/report/provenance.js';
import { Drawn } from '../parts/drawn.js';
import { CopyButton, SaveButton } from '../parts/save.js';
import { comparisonsIn } from './statistics.js';
import type { View } from './view.js';

export const provenance: View = {
  id: 'provenance',
  title: 'Cite and repeat',
  shows: ({ provenance }) => provenance !== undefined,
  Content: ({ data }) => {
    const { provenance, cases } = data;
    const comparisons = comparisonsIn(data);
    if (!provenance) return null;
    const { content } = provenanceSection(provenance);
    const latex = () => comparisons.flatMap(comparisonTables).map(latexTable).join('\n\n');
    return (
      <>
        <div class="choices">
          {provenance.command !== undefined && <CopyButton text={provenance.command} label="Copy the command" />}
          {comparisons.length > 0 && <CopyButton text={latex()} label="Copy LaTeX tables" />}
          {comparisons.length > 0 && (
            <SaveButton name="tables.tex" type="text/x-tex" text={latex} label="Save tables.tex" />
          )}
          {cases && <SaveButton name="cases.csv" type="text/csv" text={() => casesCsv(cases)} label="Save cases.csv" />}
          <SaveButton
            name="model-card.md"
            type="text/markdown"
            text={() => modelCard(data)}
            label="Save a model card"
          />
        </div>
        <p class="key">
          Figures are saved as SVG below each of them. Every score of every class and seed is beside the report: in
          scores.csv, or in the log of a single training or adaptation.
        </p>
        {content && <Drawn markup={content} />}
      </>
    );
  },
};

/** One line for each case and model, with every measure. */
function casesCsv({ measures, models, rows }: NonNullable<PageData['cases']>): string {
  const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.flatMap(({ site, name, values }) =>
    models.map((model, i) =>
      [site, name, model.name, ...measures.map((_, m) => values[m]![i] ?? '')]
        .map((cell) => quoted(String(cell)))
        .join(),
    ),
  );
  return `${[['site', 'case', 'model', ...measures.map(({ name }) => name)].join(), ...lines].join('\n')}\n`;
}
