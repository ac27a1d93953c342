/**
 * The pages of a study while it runs: a coordinator and a hospital's site with `--page`, followed in a real browser; and what
 * the site finds on its own cases, which nobody else gets to know.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { Journal, journalName } from '../../src/audit/index.js';
import { sealedJson, unsealedJson } from '../../src/core/index.js';
import { SitePage } from '../../src/federation/index.js';
import { readPageFile, renderPageFile } from '../../src/report/index.js';
import { describeWithBroker } from '../federate/nats/server.js';
import { newParties } from '../federation/parties.js';
import { makeStudy, Network, type Program } from '../federation/programs.mjs';
import { newFolder } from '../new-folder.js';
import { faintTexts, launch, openPage, overflow, present, title } from './browser.js';

/** In the names of a site's cases, as they should never be and often are. */
const planted = 'mueller-anna-4711';

const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

describeWithBroker('the pages of a study', () => {
  const folder = join(newFolder(), 'study');
  const at = (...path: string[]) => join(folder, ...path);
  let network: Network;
  /** Bytes that site-a had given to its connections when it began to score. */
  let sentBefore: number;

  /** Starts site-a, all of whose bytes are kept before they are encrypted. */
  const startSpied = (...options: string[]) => {
    const spy = new URL('./sent-bytes.mjs', import.meta.url).href;
    Object.assign(process.env, { NODE_OPTIONS: `--import=${spy}`, SENT_BYTES: at('sent') });
    try {
      return network.start('site-a', ...options);
    } finally {
      delete process.env.NODE_OPTIONS;
      delete process.env.SENT_BYTES;
    }
  };

  beforeAll(async () => {
    await makeStudy(folder);
    for (const part of ['images', 'labels'])
      for (const name of readdirSync(at('data', 'siemens-t1', part)))
        renameSync(at('data', 'siemens-t1', part, name), at('data', 'siemens-t1', part, `${planted}-${name}`));
    network = new Network(folder, folder);
    if (present) return;
    const programs = [network.start('coordinator'), startSpied(), network.start('site-b')];
    await programs[1].says(/score 1 case: base model/);
    sentBefore = statSync(at('sent')).size;
    await Promise.all(programs.map(({ ended }) => ended));
  });
  afterEach(() => network.stop());

  const addressOf = async (program: Program) => {
    await program.says(/page: \S+/);
    return /page: (\S+)/.exec(program.output)![1];
  };

  it.skipIf(!present)(`show rounds as they come, and a site what it found, ${title}`, async () => {
    const browser: Browser = await launch();
    const programs = [network.start('coordinator', '--page'), startSpied('--page')];
    const [fed, site] = await Promise.all(programs.map(async (program) => openPage(browser, await addressOf(program))));
    await site.page.locator('#rounds').getByText('waits for the first round').waitFor();
    await site.page.getByText('1 labelled case is kept from training').waitFor();
    expect(await site.page.locator('#rounds table').count()).toBe(0);
    // Gone with a reload.
    for (const { page } of [fed, site]) await page.evaluate('window.since = "the beginning"');
    const row = fed.page.getByRole('row', { name: 'site-b' }).first();
    expect(await row.textContent()).toContain('not heard of yet');

    const { child } = network.start('site-b');
    await programs[0].says(/round 1 of 3 is done/);
    child.kill('SIGSTOP'); // The others wait for it until all is seen.
    await site.page.locator('#rounds tbody tr').first().waitFor();
    // As soon as a site has been waited for once, it is known how long it takes.
    await row.getByText(/^[\d.]+ m?s$/).waitFor();
    await site.page
      .locator('#rounds')
      .getByText(/About [\d.]+ m?s left/)
      .waitFor();
    await fed.page.getByText('Share of each site in each of').waitFor();
    expect(await row.textContent()).not.toContain('not heard of yet');
    child.kill('SIGCONT');
    await programs[1].says(/score 1 case: base model/);
    sentBefore = statSync(at('sent')).size;
    await site.page.locator('#summary .headline').waitFor();
    expect(await Promise.all([...network.programs.values()].map(({ ended }) => ended))).toEqual([0, 0, 0]);

    // What was last said stays when the programs have ended.
    await site.page.getByText('graft no longer answers').waitFor();
    expect(await site.page.locator('#rounds tbody tr').count()).toBe(3);
    expect(await site.page.locator('#images .panel image').count()).toBe(3);
    expect(await fed.page.locator('#images').count()).toBe(0);
    for (const { page, complaints } of [fed, site]) {
      expect(await page.evaluate('window.since')).toBe('the beginning');
      // That the server is gone is told by the browser, too.
      expect(complaints.filter((text) => !text.includes('ERR_'))).toEqual([]);
    }
    await browser.close();
  });

  it('show of a site what it scored and drew, in one file, and any slice of the cases where they lie', async () => {
    const page = new SitePage(at('site-a')).read();
    expect(page.notes).toEqual([
      expect.stringContaining('What left this site is what the journal says'),
      '2 cases of this site are trained on.',
      expect.stringContaining('after 3 rounds, on 1 labelled case of this site that no training has seen'),
    ]);
    const [one] = page.cases!.rows;
    expect(page.cases!.models.map(({ name }) => name)).toEqual(['base model', 'flap-sam']);
    expect([one.site, one.name]).toEqual(['siemens-t1', expect.stringMatching(/^case-[0-9a-f]{4}$/)]);
    expect(page.scores!.scores.map(({ dice }) => dice)).toEqual(
      one.values[0].map((dice) => [expect.closeTo(dice!, 5)]),
    );
    expect(page.images!.outlined).toEqual(['truth', 'frozen', 'federated']);
    expect(page.headline!.sentence).toContain('the base model');
    expect(
      readFileSync(at('site-a', 'scores', 'scores.csv'), 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(3);
    for (const name of readdirSync(at('site-a', 'scores')))
      expect(statSync(at('site-a', 'scores', name)).mode & 0o077, name).toBe(0);

    const file = at('site-a.html');
    const { text } = renderPageFile(page);
    writeFileSync(file, text);
    expect(readPageFile(text)).toEqual(page);
    expect(text).not.toContain(planted);

    const source = new SitePage(at('site-a'));
    const found = await source.slices({ site: one.site, name: one.name, at: [1, 2, 3], whole: true });
    expect([found.at, found.slices.map(({ labels }) => Object.keys(labels))]).toEqual([
      [1, 2, 3],
      Array(3).fill(['truth', 'frozen', 'federated']),
    ]);
    expect((await source.volume({ site: one.site, name: one.name, part: 'federated' }))!.length).toBeGreaterThan(352);
    await expect(source.slices({ site: one.site, name: 'case-none', whole: false })).rejects.toMatchObject({
      code: 'CASE_UNKNOWN',
    });
  });

  it('keep all of it at the site: nothing that it sent or that others have names a case, and nothing is sent meanwhile', () => {
    const kept = JSON.parse(readFileSync(at('site-a', 'scores', 'scores.json'), 'utf8')) as {
      cases: { name: string }[];
    };
    const [{ name }] = kept.cases;
    expect(name).toContain(planted);
    const pseudonym = new SitePage(at('site-a')).read().cases!.rows[0].name;
    const told = ['fed', 'site-b'].flatMap((place) =>
      readdirSync(at(place), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    expect(told.length).toBeGreaterThan(20);
    // What it sent is sealed for the coordinator, which has opened all of it.
    expect(readFileSync(at('sent')).includes('site-a')).toBe(true);
    expect([sentBefore > 300_000, statSync(at('sent')).size]).toEqual([true, sentBefore]);
    for (const file of [...told, at('sent')]) {
      const bytes = readFileSync(file);
      for (const secret of [planted, name, pseudonym]) expect(bytes.includes(secret), file).toBe(false);
    }
  });

  it('are not harmed by a site that is killed while it scores, or by an image that it cannot read', async () => {
    const [scores, adapter] = [at('site-a', 'scores'), at('site-a', 'adapter.safetensors')];
    const before = [digest(adapter), readFileSync(join(scores, 'scores.csv'), 'utf8')];
    const pseudonyms = readFileSync(join(scores, 'pseudonyms.json'), 'utf8');
    const { image } = (JSON.parse(readFileSync(join(scores, 'scores.json'), 'utf8')) as { cases: { image: string }[] })
      .cases[0];
    for (const name of ['scores.json', 'scores.csv', 'report.html']) rmSync(join(scores, name));
    // Neither coordinator nor broker is there: scoring needs nobody.
    const killed = network.start('site-a');
    await killed.says(/score 1 case: flap-sam/);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(existsSync(join(scores, 'scores.json'))).toBe(false);
    expect(new SitePage(at('site-a')).read()).not.toHaveProperty('cases');

    const whole = readFileSync(image);
    writeFileSync(image, whole.subarray(0, 200));
    const failing = network.start('site-a');
    await failing.says(/are not scored: [\s\S]*No broker can be reached/);
    failing.child.kill('SIGTERM');
    await failing.ended;
    expect(new SitePage(at('site-a')).read().notes.at(-1)).toMatch(
      /^1 labelled case is kept .* could not be scored \([A-Z_]+\)/,
    );

    writeFileSync(image, whole);
    const again = network.start('site-a');
    await again.says(/kept from training: done[\s\S]*No broker can be reached/);
    again.child.kill('SIGTERM');
    await again.ended;
    expect([digest(adapter), readFileSync(join(scores, 'scores.csv'), 'utf8')]).toEqual(before);
    expect(readFileSync(join(scores, 'pseudonyms.json'), 'utf8')).toBe(pseudonyms);
    expect(new SitePage(at('site-a')).read().cases!.rows).toHaveLength(1);
  });

  it('end a site that was killed in the end, however often: it needs neither coordinator nor broker', async () => {
    const [scores, over] = [at('site-a', 'scores'), at('site-a', 'state', 'over.json')];
    const csv = readFileSync(join(scores, 'scores.csv'), 'utf8');
    rmSync(join(scores, 'scores.json'));
    for (const first of [true, false]) {
      const killed = network.start('site-a');
      await killed.says(/score 1 case: flap-sam/);
      // As if this process had heard that the rounds are over.
      const mark = JSON.parse(readFileSync(at('site-a', 'lock.json'), 'utf8'));
      const noted = unsealedJson(readFileSync(over, 'utf8')) as object;
      if (first) writeFileSync(over, sealedJson({ ...noted, process: mark }));
      else expect(noted).toMatchObject({ process: mark });
      killed.child.kill('SIGKILL');
      await killed.ended;
    }
    const last = network.start('site-a');
    expect(await last.ended).toBe(0);
    expect(last.output).toMatch(/The rounds are over/);
    expect(readFileSync(join(scores, 'scores.csv'), 'utf8')).toBe(csv);
  });

  it.skipIf(!present)(`are readable in every size and light, ${title}`, async () => {
    const browser = await launch();
    for (const options of [{}, { colorScheme: 'dark' }, { viewport: { width: 360, height: 740 } }] as const) {
      const { page, complaints, requests } = await openPage(browser, `file://${at('site-a.html')}`, options);
      const sections = await page.locator('section[id]').evaluateAll((all) => all.map(({ id }) => id));
      expect(sections.slice(0, 4)).toEqual(['summary', 'limits', 'rounds', 'cases']);
      expect(sections).toContain('images');
      expect(await page.locator('#images .legend').textContent()).toMatch(/Reference\s+Base model\s+Federated model/);
      expect(await page.locator('#images path.frozen').count()).toBeGreaterThan(0);
      await page.locator('#cases tr[data-row] a').first().click();
      await page.locator('.case-images image').first().waitFor();
      expect(await page.locator('.case table tbody tr').count()).toBe(2);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(await faintTexts(page)).toEqual([]);
      expect([complaints, requests]).toEqual([[], [`file://${at('site-a.html')}`]]);
      await page.close();
    }
    await browser.close();
  });
});

it('the page of a site that trains on all of its cases says so, and what would be needed', async () => {
  const { siteFolder, site } = await newParties();
  const journal = new Journal({ file: join(siteFolder, journalName), by: 'site-a', key: site.signing });
  journal.note({ act: 'policy.allowed', subject: 'brain', details: { trainingCases: 5, keptCases: 0 } });
  const { notes, ...page } = new SitePage(siteFolder).read();
  expect(notes.at(-1)).toMatch(
    /^All 5 labelled cases of this site are trained on, .* labelled cases that training never sees/,
  );
  expect(page).not.toHaveProperty('images');
});
