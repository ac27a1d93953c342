/** What an audit file says of a mask. */
import { basename } from 'node:path';
import type { AuditRecord } from '../../audit/index.js';
import type { Mask } from './mask.js';
import type { ImageSource } from './sources.js';

/** A series may give several masks. */
export function noteMask(
  record: AuditRecord,
  { image, mask, volumesMl, routing, warnings }: Mask,
  { name, path, series }: ImageSource,
): void {
  record.reads(path === undefined ? name : basename(path), ...(series?.files ?? [path!]));
  const adapter = routing && (routing.target ? `adapter to ${routing.target}` : 'none');
  if (routing?.adapter) record.uses(adapter!, routing.adapter);
  if (mask !== null) record.writes(mask, { volumesMl, ...(adapter && { adapter }) });
  for (const warning of warnings) record.warns(`${basename(image)}: ${warning}`);
}
