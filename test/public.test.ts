/** The library's public names, listed here too, so that a change of the interface is seen as one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as library from '../src/index.js';
import { root } from './child.js';

const src = join(root, 'src');
const index = readFileSync(join(src, 'index.ts'), 'utf8');

/** Names with the folder that they come from. */
const exported = [...index.matchAll(/^export \{([^}]*)\} from '\.\/(\w+)\/index\.js';/gm)].flatMap(([, list, folder]) =>
  [...list.matchAll(/(type )?(\w+)/g)].map(([, type, name]) => ({ folder, name, isType: type !== undefined })),
);

/** Names are sorted as in a dictionary, whatever their case. */
const words = (text: string) => text.trim().split(/\s+/);
const sorted = (names: readonly string[]) => [...names].sort((a, b) => a.localeCompare(b, 'en'));

const values = words(`
  Adam adapt adaptationSchema adaptationStudy adaptModel aggregations applyPlan
  averageSurfaceDistance
  BatchNorm2d bootstrapInterval brokerConfiguration
  cachedSlices cat checkDataset Checkpoint chooseDevice compareMethods comparisonTables Conv2d convertDicomSeries
  convLoraPieces convLoraSchema ConvTranspose2d Coordinator
  describeValues dice DisposedTensorError
  entriesOfRuns evaluateLabels
  FederatedSite federateModel federationSchema federationStudy findImages finetune fineTuningLoss fineTuningSchema
  folderStore
  generatePhantoms GraftError
  holm
  initialiseModule inspectFolder inWorker
  latexTable Layer LayerNorm Linear loadAdapter loadFederationStart loadFoundation loadPredictor loadSegmenter
  loadSlices localTransport loraPieces loraSchema
  markdownTable memoryStatistics Module
  natsTransport networkFamilies noGrad noteReference
  operator OperatorError
  prepareFederation prepareLabel prepareVolume preprocessingSchema
  random readAdaptationRecipe readBenchmark readDataset readFederationRecipe readLabel readLedger readSegmentCodes
  readState readVolume recomputeStatistics ReLU robustHausdorff runFederation runStudy runToEnd runWithoutPauses
  runWithPauses
  saveAdapter saveFederationStart saveSegmenter scanDicom scope scoreCase scoreFolder sealedCoordinator sealedSite segmentationLoss Segmenter
  segmentImages segmentVolume segmentVolumeWithPauses segmentWithPrompt Sequential setThreads SGD SigningKey siteOf SlicePool
  softmax splitCases stack surfaceDice surfaceDistances
  tensor Tensor trainHeads trainingSchema TrainingSite trainModel trainNetwork tuneModel
  wilcoxon writeDicomSegmentation writeMask writeState writeVolume
  zeros
`);
const types = words(`
  Adaptation AdaptationEvent AdaptationMethod Adapter AdapterPiece
  Case CaseScore CaseSlices ComparisonEntry
  Dataset DType
  EarlyHead
  Federation FederationEvent FederationStart FineTuning FineTuningEvent
  Initialiser
  Label LinearAdapter LocalRound LocalTrainer
  NetworkFamily
  Pausing Preprocessing
  SegmentationNetwork State
  Training TrainingPlan Transport
  Volume
  WeightAdapter
`);

describe('the library', () => {
  it('exports these values', () => {
    expect(sorted(Object.keys(library))).toEqual(values);
  });

  it('exports these types', () => {
    expect(sorted(exported.flatMap(({ name, isType }) => (isType ? name : [])))).toEqual(types);
  });

  it('is small enough to learn: 120 to 160 names, each listed by itself', () => {
    expect(index).not.toMatch(/export (type )?\*/);
    expect(exported).toHaveLength(values.length + types.length);
    expect(exported.length).toBeGreaterThanOrEqual(120);
    expect(exported.length).toBeLessThanOrEqual(160);
  });

  it('describes every name where it is declared', () => {
    const sources = new Map<string, string[]>();
    const textsOf = (folder: string) => {
      const files = readdirSync(join(src, folder), { recursive: true, encoding: 'utf8' });
      return files.filter((name) => name.endsWith('.ts')).map((name) => readFileSync(join(src, folder, name), 'utf8'));
    };
    const bare = exported.filter(({ folder, name }) => {
      if (!sources.has(folder)) sources.set(folder, textsOf(folder));
      const declaration = `export (abstract |async )?(function\\*? |class |const |interface |type )${name}\\b`;
      const described = new RegExp(`\\*/\n(// biome-ignore .*\n)?${declaration}`);
      return !sources.get(folder)!.some((text) => described.test(text));
    });
    expect(bare.map(({ folder, name }) => `${folder}: ${name}`)).toEqual([]);
  });
});
