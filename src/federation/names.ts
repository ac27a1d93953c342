/** Names of studies and sites: they become subjects at a broker, subjects of certificates, folders and files. */
import { z } from 'zod';
import { shownName } from '../core/index.js';
import { federationError } from './errors.js';

const pattern = /^[a-z][a-z0-9-]{0,39}$/;
/** The other peers of a federation have certificates with these names. */
const taken = ['coordinator', 'broker'];

function faultOf(name: string): string | undefined {
  if (taken.includes(name)) return 'another peer of the federation is called so';
  return pattern.test(name) ? undefined : 'it is not of small letters, digits and dashes';
}

export const nameSchema = z
  .string()
  .max(40)
  .superRefine((name, context) => {
    const fault = faultOf(name);
    if (fault) context.addIssue(`"${shownName(name)}" cannot be a name: ${fault}`);
  });

/** @param of what is named, for the message @throws GraftError PARTY_NAME_INVALID */
export function checkName(name: string, of: 'site' | 'study'): void {
  const problem = faultOf(name);
  if (problem) throw federationError('PARTY_NAME_INVALID', { name: shownName(name), of, problem });
}
