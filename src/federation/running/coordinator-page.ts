/** The page of a federation, from its coordinator's folder alone, which is only read. It has numbers, and never an image. */
import { ledgerFile } from '../../federate/index.js';
import { aggregationOf, type PageData, type PageStanding } from '../../report/index.js';
import type { PageSource } from '../../studies/index.js';
import { openCoordinatorFolder } from '../coordinator-folder.js';
import { journalFile } from '../journals.js';
import { coordinatorPlaces } from '../places.js';
import { historyOf, type SiteHistory } from './history.js';
import { journalPart, markOf } from './journal-part.js';
import { runningPlaces } from './places.js';
import { type FederationStatus, federationStatus, type SiteStatus } from './status.js';

export class CoordinatorPage implements PageSource {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  mark(): string {
    const { members, study } = coordinatorPlaces(this.#folder);
    const { control, standing } = runningPlaces(this.#folder);
    return markOf([ledgerFile(this.#folder), journalFile(this.#folder), members, study, control, standing]);
  }

  /** @throws GraftError as `federationStatus` */
  read(): PageData {
    const { study } = openCoordinatorFolder(this.#folder);
    const status = federationStatus(this.#folder);
    const { rounds, sites } = historyOf(this.#folder);
    const losses = rounds.flatMap(({ round, loss }): [number, number][] => (loss === undefined ? [] : [[round, loss]]));
    return {
      title: study.title,
      description: `The study ${study.name}: ${study.plan}, combined by ${study.federation.aggregation}.`,
      notes: [
        'Losses are of the sites’ own training cases. How good the model is, each site says on cases that it kept from training.',
      ],
      ...(status.coordinator === 'running' && { running: { text: stateOf(status) } }),
      standing: {
        ...{ state: stateOf(status), rounds: status.rounds, quorum: Math.max(1, study.federation.minSites) },
        ...(status.open && { open: status.open }),
        sites: status.sites.map((site) => ({ ...siteOf(site, status), ...tookOf(sites.get(site.name)) })),
        done: rounds.map(({ round, at, weights, loss, down, up }) => ({
          ...{ round, weights, moved: down + up },
          ...(at !== undefined && { at }),
          ...(loss !== undefined && { loss }),
        })),
      },
      ...(losses.length > 1 && {
        curves: [
          {
            charts: [
              {
                title: 'Training loss',
                xLabel: 'round',
                yLabel: 'loss',
                series: [{ name: 'all sites', points: losses }],
              },
            ],
          },
        ],
      }),
      aggregations: [aggregationOf(study.plan, rounds)],
      journal: journalPart(this.#folder),
    };
  }
}

function stateOf({ coordinator, broker, paused, done, rounds, open }: FederationStatus): string {
  const process =
    coordinator === 'running'
      ? `The coordinator runs${broker === 'away' ? ', its broker is away' : ''}`
      : `The coordinator is ${coordinator === 'stopped' ? 'stopped' : 'perhaps at work on another machine'}`;
  const now =
    done === rounds
      ? 'all rounds are done'
      : open
        ? `round ${open.round} of ${rounds} is under way`
        : `${done} of ${rounds} rounds are done`;
  return `${process}; ${now}${paused ? '; paused' : ''}.`;
}

/** How long its rounds took, where that is known. */
const tookOf = (site: SiteHistory | undefined) => (site && site.took.count > 0 ? { took: site.took } : {});

function siteOf(
  { name, accepted, refused, moved, reason, seen, leftOut }: SiteStatus,
  { open }: FederationStatus,
): PageStanding['sites'][number] {
  const state = leftOut
    ? 'left out: its folder is older than what it sent'
    : open?.accepted.includes(name)
      ? `round ${open.round}: update taken`
      : open?.out.includes(name)
        ? `round ${open.round}: out`
        : seen
          ? `${seen.doing}${seen.round > 0 ? `, round ${seen.round}` : ''}`
          : open?.chosen.includes(name)
            ? `round ${open.round}: asked`
            : 'not heard of yet';
  return {
    ...{ name, state, accepted, refused, moved },
    ...(seen && { heard: seen.heard }),
    ...(reason && { reason }),
  };
}
