/** Where a run's numbers go besides its own folder. */
import { z } from 'zod';

const address = z.url({ protocol: /^https?$/, error: 'expected an address such as http://127.0.0.1:5000' }).refine(
  (text) => !/^\w+:\/\/[^/]*@/.test(text),
  // The recipe is kept in the run's folder and passed on.
  'a name or password does not belong here: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN',
);

export const mlflowSchema = z.strictObject({
  uri: address.describe('address of an MLflow server, such as http://127.0.0.1:5000'),
  experiment: z.string().min(1).default('graft').describe('the experiment’s name there'),
  images: z
    .boolean()
    .default(false)
    .describe('the report is sent with its pictures of patients; otherwise they stay in the run’s folder'),
});

export const trackingSchema = z.strictObject({
  tensorboard: z
    .union([z.boolean(), z.string().min(1)])
    .default(false)
    .describe('event files for TensorBoard: true for RUN/tensorboard, or a folder that several runs share'),
  mlflow: mlflowSchema.optional().describe('sends numbers and the report to a server; docs/tracking.md'),
});
export type TrackingConfig = z.output<typeof trackingSchema>;
export type MlflowConfig = z.output<typeof mlflowSchema>;
