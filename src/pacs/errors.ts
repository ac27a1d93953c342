/** What can go wrong between this machine and an archive. */
import { errorsOf } from '../core/index.js';

export const pacsErrors = {
  PACS_ADDRESS: {
    exit: 'usage',
    message: '{address}: expected {expected}.',
    hint: 'The address of DICOMweb is in the archive’s settings; for Orthanc it is https://HOST:PORT/dicom-web. A peer that is sent to by C-STORE is named TITLE@HOST:PORT, over TLS tls://TITLE@HOST:PORT.',
  },
  PACS_PLAIN: {
    exit: 'usage',
    message: '{host}: http would send images and passwords readable to everybody on the way.',
    hint: 'Use https; the archive’s own authority is named with --ca. Inside a network that you trust, add --plain-http.',
  },
  PACS_CREDENTIALS: {
    exit: 'usage',
    message: '{place}: expected {expected}.',
    hint: 'Write USER:PASSWORD or Bearer TOKEN as the one line of a file that is yours alone (chmod 600), and name it with --credentials; or set GRAFT_PACS_USER and GRAFT_PACS_PASSWORD, or GRAFT_PACS_TOKEN.',
  },
  PACS_UNREACHABLE: {
    exit: 'system',
    message: '{host}: no answer (attempts: {attempts}; {reason}).',
    hint: 'Check the address, the network and the archive, and that either both ends use TLS (https://, tls://) or neither. The same command goes on where it stopped.',
  },
  PACS_CERTIFICATE: {
    exit: 'system',
    message: '{host}: its certificate is not trusted ({reason}).',
    hint: 'Name the certificate of the authority that signed it with --ca FILE (PEM), and use the host name that it was made for. One that has expired has to be renewed there.',
  },
  PACS_OWN_CERTIFICATE: {
    exit: 'system',
    message: '{host}: does not accept graft’s certificate ({reason}).',
    hint: 'Name a certificate and its key with --certificate FILE and --key FILE (PEM). It has to be valid today and signed by an authority that the other side knows.',
  },
  PACS_TLS: {
    exit: 'system',
    message: '{host}: no connection over TLS came about ({reason}).',
    hint: 'Check that the port is the one for TLS (of DICOM often 2762), and that TLS 1.2 or newer with AES-GCM is spoken there. A handshake failure may also mean that a certificate of graft is asked for (--certificate, --key).',
  },
  PACS_TLS_FILE: {
    exit: 'usage',
    message: '{file}: expected {expected}.',
    hint: 'Certificates and keys are files in PEM. A key belongs to its certificate, has no password, and is yours alone (chmod 600).',
  },
  PACS_DENIED: {
    exit: 'system',
    message: '{host}: refused {what} ({status}).',
    hint: 'Check user and password, or the token (--credentials FILE, or GRAFT_PACS_…), and what this user may do in the archive; for C-STORE, that it knows graft’s title (--aet) and address.',
  },
  PACS_ANSWER: {
    exit: 'system',
    message: '{host}: expected an answer of DICOM to {what}, found {found}.',
    hint: 'Check that the address is that of DICOMweb, or of a DICOM port, and what the archive’s log says. Redirections are not followed.',
  },
  PACS_TOO_LARGE: {
    exit: 'system',
    message: '{host}: the answer to {what} has more than {limit} bytes.',
    hint: 'Ask for less: a single study or series, or a smaller --limit.',
  },
  PACS_NOT_FOUND: {
    exit: 'data',
    message: '{host}: has no {what}.',
    hint: 'Look for it with "graft pacs find".',
  },
  PACS_DIFFERS: {
    exit: 'data',
    message: '{host}: sent something else than the image that was asked for ({found}).',
    hint: 'Nothing of it was kept. Look at the study in the archive.',
  },
  PACS_REFUSED: {
    exit: 'data',
    message: '{host}: did not take {file} ({reason}).',
    hint: 'The archive’s log says why. What it took stays there; the same command sends the rest.',
  },
  PACS_NOTHING: {
    exit: 'usage',
    message: '{path}: holds no DICOM file to send.',
    hint: 'Name DICOM files or folders of them, such as the --out of "graft predict --format dicom-seg".',
  },
} as const;
export const pacsError = errorsOf(pacsErrors);
