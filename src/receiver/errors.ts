/** What can be wrong with how a receiver is set up. */
import { errorsOf } from '../core/index.js';

export const receiverErrors = {
  RECEIVER_OPEN: {
    exit: 'usage',
    message: 'Listening at {host} would take images from everybody who reaches this machine.',
    hint: 'Name those who may send with --allow TITLE@ADDRESS, once for each, such as --allow CT1@10.0.0.7 or --allow CT1@10.0.0.0/24.',
  },
  RECEIVER_CALLER: {
    exit: 'usage',
    message:
      '--allow {caller}: expected TITLE@ADDRESS with a title of 1 to 16 characters and an IP address or a network.',
    hint: 'Such as CT1@10.0.0.7, CT1@10.0.0.0/24 or CT1@fd00::7; names of hosts are not asked for.',
  },
  RECEIVER_PROMPTS: {
    exit: 'usage',
    message: '{model}: answers prompts alone, and nobody is there to give one.',
    hint: 'Add an adapter that was trained for classes, or name another model.',
  },
  RULES_INVALID: {
    exit: 'usage',
    message: '{file}: expected rules for choosing a model, found a problem: {problems}.',
    hint: 'Write YAML: a list "rules", each with "model", as needed "when" and "adapter" or "adapters". docs/receive.md has an example.',
  },
} as const;
export const receiverError = errorsOf(receiverErrors);
