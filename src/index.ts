/** graft as a library: every public name, by area. Everything else may change at any time. */

// Data sets, volumes, masks, preparation, DICOM and phantoms.

export {
  type Case,
  type CaseSlices,
  cachedSlices,
  checkDataset,
  convertDicomSeries,
  type Dataset,
  generatePhantoms,
  type Label,
  loadSlices,
  type Preprocessing,
  prepareLabel,
  prepareVolume,
  preprocessingSchema,
  readBenchmark,
  readDataset,
  readLabel,
  readSegmentCodes,
  readVolume,
  SlicePool,
  scanDicom,
  siteOf,
  splitCases,
  type Volume,
  writeDicomSegmentation,
  writeMask,
  writeVolume,
} from './data/index.js';

// Whole pieces of work, with checkpoints and progress.

export {
  adaptModel,
  federateModel,
  findImages,
  inspectFolder,
  loadPredictor,
  scoreCase,
  scoreFolder,
  segmentImages,
  trainModel,
  tuneModel,
} from './jobs/index.js';

// Models and adapters, their files, and prediction.

export {
  type Adapter,
  loadAdapter,
  loadFoundation,
  loadSegmenter,
  Segmenter,
  saveAdapter,
  saveSegmenter,
  segmentationLoss,
  segmentVolume,
  segmentVolumeWithPauses,
  segmentWithPrompt,
} from './segmenter/index.js';

// Training on a source, and adaptation without labels.

export {
  type Adaptation,
  type AdaptationEvent,
  adapt,
  adaptationSchema,
  noteReference,
  type Training,
  trainHeads,
  trainingSchema,
  trainNetwork,
} from './adapt/index.js';

// Fine-tuning with labels.

export { type FineTuning, type FineTuningEvent, fineTuningLoss, fineTuningSchema, finetune } from './finetune/index.js';

// Federated training: a coordinator, its sites, and what lies between them.

export {
  aggregations,
  brokerConfiguration,
  Coordinator,
  FederatedSite,
  type Federation,
  type FederationEvent,
  type FederationStart,
  federationSchema,
  folderStore,
  inWorker,
  type LocalRound,
  type LocalTrainer,
  loadFederationStart,
  localTransport,
  natsTransport,
  prepareFederation,
  readLedger,
  runFederation,
  SigningKey,
  saveFederationStart,
  sealedCoordinator,
  sealedSite,
  TrainingSite,
  type Transport,
} from './federate/index.js';

// Measures of masks, and statistics.

export {
  averageSurfaceDistance,
  bootstrapInterval,
  type CaseScore,
  describeValues,
  dice,
  evaluateLabels,
  holm,
  robustHausdorff,
  surfaceDice,
  surfaceDistances,
  wilcoxon,
} from './metrics/index.js';

// Methods side by side.

export { type ComparisonEntry, compareMethods, comparisonTables, latexTable, markdownTable } from './compare/index.js';

// Studies by recipe.

export {
  adaptationStudy,
  entriesOfRuns,
  federationStudy,
  readAdaptationRecipe,
  readFederationRecipe,
  runStudy,
} from './studies/index.js';

// Networks that segment, and what may be trained of them.

export {
  type AdaptationMethod,
  type EarlyHead,
  type NetworkFamily,
  networkFamilies,
  type SegmentationNetwork,
} from './networks/index.js';

// Small trained parts beside a frozen network.

export {
  type AdapterPiece,
  applyPlan,
  convLoraPieces,
  convLoraSchema,
  loraPieces,
  loraSchema,
  recomputeStatistics,
  type TrainingPlan,
} from './peft/index.js';

// Modules, optimisers, and states as files.

export {
  Adam,
  BatchNorm2d,
  Checkpoint,
  Conv2d,
  ConvTranspose2d,
  type Initialiser,
  initialiseModule,
  Layer,
  LayerNorm,
  Linear,
  type LinearAdapter,
  Module,
  ReLU,
  readState,
  Sequential,
  SGD,
  type State,
  type WeightAdapter,
  writeState,
} from './nn/index.js';

// Tensors of libtorch, gradients and devices.

export {
  cat,
  chooseDevice,
  DisposedTensorError,
  type DType,
  memoryStatistics,
  noGrad,
  OperatorError,
  operator,
  scope,
  setThreads,
  softmax,
  stack,
  Tensor,
  tensor,
  zeros,
} from './torch/index.js';

// Errors, work that can be interrupted, random streams.

export { GraftError, type Pausing, random, runToEnd, runWithoutPauses, runWithPauses } from './core/index.js';
