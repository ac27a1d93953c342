/** Archives: studies found and brought here over DICOMweb, results sent over that or DICOM's own protocol, which is also served here. */
export { type Archive, type ArchivedStudy, type ArchiveOptions, archiveAt, studyAt } from './archive.js';
export {
  type Caller,
  echo,
  isTitle,
  ProtocolError,
  peerName,
  peerOf,
  rejections,
  type StoreService,
  serveConnection,
  statuses,
} from './dimse/index.js';
export { pacsErrors } from './errors.js';
export { type FoundStudy, findStudies, type Search } from './find.js';
export { type Retrieved, retrieveStudy } from './retrieve.js';
export {
  type Destination,
  destinationAt,
  destinationName,
  filesToSend,
  sendFiles,
} from './store.js';
export { securely, type TlsService, tlsService } from './tls.js';
