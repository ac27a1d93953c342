/** `study.yaml`: what the coordinator's administrator writes, from which a study is made. */
import { z } from 'zod';
import { addressesSchema } from './addresses.js';
import { nameSchema } from './names.js';
import { privacySchema } from './study.js';

export const studySettingsSchema = z.strictObject({
  name: nameSchema.describe('of the study, in small letters, digits and dashes'),
  recipe: z
    .string()
    .describe('recipe of "graft federate", a file or the name of one; its data and sites are those of a simulation'),
  plan: z.string().optional().describe('name of one of the recipe’s plans; default: the first'),
  broker: z.strictObject({
    addresses: addressesSchema.describe('where peers reach the broker: tls://HOST:4222, wss://HOST:443'),
    version: z
      .string()
      .regex(/^\d+\.\d+\.\d+[\w.-]{0,20}$/, 'expected such as 2.12.6')
      .optional()
      .describe('of nats-server; default: that of the one installed here, otherwise 2.12.6'),
  }),
  privacy: privacySchema.prefault({}),
  days: z.int().min(1).max(3650).default(730).describe('how long the study’s certificates are valid'),
});
export type StudySettings = z.output<typeof studySettingsSchema>;
