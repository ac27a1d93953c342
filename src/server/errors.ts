/** What viewers ask for that cannot be done, and what each is over HTTP. */
import { errorsOf, exitCodes, type GraftError } from '../core/index.js';

export const serverErrors = {
  SERVED_TWICE: {
    exit: 'usage',
    message: 'Two adapters would be called {name}: {first} and {second}.',
    hint: 'Give one of them another name: --adapter NAME=FILE.',
  },
  SERVED_MODEL_NAME: {
    exit: 'usage',
    message: '{name} cannot be the name of a model: viewers put it into addresses.',
    hint: 'Give a name of letters, digits, dots, dashes and underscores: --adapter NAME=FILE.',
  },
  SERVED_PROMPTS: {
    exit: 'usage',
    message: '{file}: answers prompts alone, which viewers cannot give here.',
    hint: 'Add an adapter that was trained for classes, or serve another model.',
  },
  HOST_REFUSED: {
    exit: 'usage',
    message: 'The request names {host} as this server, which is not its name.',
    hint: 'Use the address that "graft serve" printed, or start it with --host and the name that viewers use.',
  },
  ORIGIN_REFUSED: {
    exit: 'usage',
    message: 'A page of {origin} asked, which may not use this server.',
    hint: 'Start "graft serve" with --origin {origin} if that is your viewer.',
  },
  REQUEST_INVALID: {
    exit: 'usage',
    message: 'The request cannot be used: {reason}.',
    hint: 'docs/labelling.md lists what is offered.',
  },
  NOT_OFFERED: {
    exit: 'usage',
    message: '{what} is not offered here.',
    hint: 'Use "graft train" or "graft adapt" with the same folders; docs/labelling.md lists what is offered.',
  },
  UPLOAD_TOO_LARGE: {
    exit: 'usage',
    message: 'The upload is larger than {limit} bytes.',
    hint: 'Put the file into the folder of images yourself.',
  },
  SERVER_BUSY: {
    exit: 'system',
    message: '{count} requests are waiting for the model already.',
    hint: 'Try again in a moment.',
  },
  SESSIONS_FULL: {
    exit: 'system',
    message: 'There are {count} sessions already.',
    hint: 'Remove one, or wait until one has expired.',
  },
  SESSION_UNKNOWN: {
    exit: 'data',
    message: 'There is no session {id}; it may have expired.',
    hint: 'Upload the image again.',
  },
  IMAGE_UNKNOWN: {
    exit: 'data',
    message: 'There is no image {id} here.',
    hint: 'Ask for /datastore/?output=all, which lists them.',
  },
  IMAGE_NAME: {
    exit: 'data',
    message: '{name} cannot be the name of an image: {fault}.',
    hint: 'Rename the volume in the viewer.',
  },
  IMAGE_EXISTS: {
    exit: 'data',
    message: 'Another image is called {name} already.',
    hint: 'Rename the volume in the viewer, such as by the patient’s study number.',
  },
  IMAGE_VOLUMES: {
    exit: 'data',
    message: '{image}: holds {count} volumes, and a viewer’s mask is of one.',
    hint: 'Make files of them with "graft data convert", and serve these.',
  },
  SERVED_MODEL_UNKNOWN: {
    exit: 'data',
    message: 'There is no model {name} here, but {names}.',
    hint: 'Ask for /info/, which lists them.',
  },
  STRATEGY_UNKNOWN: {
    exit: 'data',
    message: 'There is no strategy {name}, but {names}.',
    hint: 'Choose one of these.',
  },
  LABEL_UNKNOWN: {
    exit: 'data',
    message: 'There is no label of {image} with the tag {tag}.',
    hint: 'Labels that were saved have the tag final.',
  },
  LABEL_CLASS: {
    exit: 'data',
    message: 'The label has {voxels} voxels of {name}, which is not a class of the model ({classes}).',
    hint: 'Give these voxels to one of the classes, or remove the segment.',
  },
} as const;
export const serverError = errorsOf(serverErrors);

const statuses: Record<string, number> = {
  HOST_REFUSED: 403,
  ORIGIN_REFUSED: 403,
  UPLOAD_TOO_LARGE: 413,
  SERVER_BUSY: 503,
  SESSIONS_FULL: 503,
  SESSION_UNKNOWN: 404,
  IMAGE_UNKNOWN: 404,
  IMAGE_EXISTS: 409,
  SERVED_MODEL_UNKNOWN: 404,
  STRATEGY_UNKNOWN: 404,
  LABEL_UNKNOWN: 404,
  NOT_OFFERED: 404,
  REQUEST_INVALID: 400,
};

/** The status of an answer that tells the error: what is wrong with a file is the request's fault. */
export const statusOf = ({ code, exitCode }: GraftError): number =>
  statuses[code] ?? (exitCode === exitCodes.data ? 422 : 500);
