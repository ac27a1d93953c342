/** The whole page: its head, the views that have something to show, or one case. */
import { useEffect, useState } from 'preact/hooks';
import type { PageData } from '../src/report/page-data.js';
import { CasePage } from './case/case-page.js';
import { useSecondsLeft } from './parts/now.js';
import { useRoute } from './route.js';
import { follow, isLive } from './source.js';
import { duration } from './views/bytes.js';
import { views } from './views/index.js';

export function App({ initial }: { initial: PageData }) {
  const [data, setData] = useState(initial);
  const [away, setAway] = useState(false);
  const { path } = useRoute();
  useEffect(() => {
    if (!isLive()) return;
    return follow((fresh) => {
      setAway(fresh === undefined);
      if (fresh) setData(fresh);
    });
  }, []);
  const [place, site, name] = path;
  const atCase = place === 'case' && site !== undefined && name !== undefined;
  useEffect(() => {
    document.title = atCase ? `${name}, ${site} – ${data.title}` : data.title;
    if (atCase) scrollTo(0, 0);
    else if (place) document.getElementById(place)?.scrollIntoView();
  }, [place, atCase, site, name]);
  if (atCase) return <CasePage data={data} site={site} name={name} />;
  const shown = views.filter((view) => view.shows(data));
  return (
    <>
      <a class="skip" href="#main">
        Skip to the results
      </a>
      <header>
        <h1>{data.title}</h1>
        <p class="description">{data.description}</p>
        <State data={data} away={away} />
      </header>
      <nav aria-label="Sections">
        <ul>
          {shown.map(({ id, title }) => (
            <li key={id}>
              <a href={`#${id}`} aria-current={place === id ? 'location' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main">
        {shown.map(({ id, title, Content }) => (
          <section key={id} id={id} aria-labelledby={`${id}-title`}>
            <h2 id={`${id}-title`}>{title}</h2>
            <Content data={data} />
          </section>
        ))}
      </main>
      <footer />
    </>
  );
}

/** What happens now, where something does. */
const State = ({ data: { running }, away }: { data: PageData; away: boolean }) => (
  <p class="state" role="status">
    {away ? (
      <span class="away">graft no longer answers; what is shown is the last that it said.</span>
    ) : (
      running && (
        <>
          <span class="pulse" aria-hidden="true" /> {running.text} <TimeLeft {...running} />
        </>
      )
    )}
  </p>
);

/** Of the model under way, and of all that are to come with it. */
function TimeLeft({ model, models }: NonNullable<PageData['running']>) {
  const left = useSecondsLeft();
  const [one, all] = [left(model), left(models)];
  const parts = [
    ...(one === undefined ? [] : [`about ${duration(one)} for this model`]),
    ...(all === undefined ? [] : [`about ${duration(Math.max(all, one ?? 0))} in all`]),
  ];
  return <>{parts.length > 0 && `Left: ${parts.join(', ')}.`}</>;
}
