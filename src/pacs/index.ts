/** Archives over DICOMweb: studies found, brought here, and results sent. */
export { type Archive, type ArchivedStudy, type ArchiveOptions, archiveAt, studyAt } from './archive.js';
export { pacsErrors } from './errors.js';
export { type FoundStudy, findStudies, type Search } from './find.js';
export { type Retrieved, retrieveStudy } from './retrieve.js';
export { filesToSend, sendFiles } from './store.js';
