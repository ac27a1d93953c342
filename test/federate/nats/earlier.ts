/** The broker's configuration as it was before sites had accounts of their own: permissions alone, all peers in one account. */
import { tokenOf } from '../../../src/federate/transports/nats/places.js';

/** @param text today's @param sites subjects of certificates by the sites' names */
export function earlierConfiguration(text: string, federation: string, sites: Record<string, string>): string {
  const kinds = ['task', 'state', 'blob', 'update'];
  const own = (kind: string) => `graft.${federation}.${kind}`;
  const api = (call: string, kind: string, rest = '') => `$JS.API.${call}.graft-${federation}-${kind}${rest}`;
  const user = (subject: string, publish: string[], subscribe: string[]) =>
    JSON.stringify({ user: subject, permissions: { publish: { allow: publish }, subscribe: { allow: subscribe } } });
  const box = `_INBOX.graft.${federation}.coordinator.>`;
  const coordinator = user(
    'CN=coordinator',
    [
      ...[own('task'), own('blob.>'), own('coordinator'), box],
      ...kinds.flatMap((kind) => [api('STREAM.*', kind), api('DIRECT.GET', kind, '.>')]),
    ],
    [own('state.>'), own('pulse.>'), own('coordinator'), box],
  );
  const users = Object.entries(sites).map(([site, subject]) => {
    const token = tokenOf(site);
    return user(
      subject,
      [
        ...[own(`state.${token}`), own(`update.${token}.>`), own(`pulse.${token}`)],
        api('DIRECT.GET', 'task', `.${own('task')}`),
        api('DIRECT.GET', 'state', `.${own(`state.${token}`)}`),
        api('DIRECT.GET', 'blob', `.${own('blob.>')}`),
        ...kinds.map((kind) => api('STREAM.INFO', kind)),
      ],
      [own('task'), own(`pulse.${token}`), `_INBOX.graft.${federation}.site.${token}.>`],
    );
  });
  const before = text.slice(0, text.indexOf('accounts: {'));
  return `${before}authorization: {\n  users: [\n${[coordinator, ...users].join('\n')}\n  ]\n}\n`;
}
