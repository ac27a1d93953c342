/** The option of programs that run for long: where their health and metrics are read. */
export const metricsPortOption = (z: typeof import('zod').z) =>
  z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('port on 127.0.0.1 for /healthz and /metrics (Prometheus); default: none');
