/** What a report calls cases and places: nothing that says who a patient is or where this machine keeps things. */
import { describe, expect, it } from 'vitest';
import { namingOf } from '../../src/studies/names.js';
import { placeFrom } from '../../src/studies/provenance.js';

const cases = ['SMITH_JOHN', 'SMITH', 'case.1'].map((name) => ({ site: 'a', name }));

describe('names of cases', () => {
  it('are pseudonyms, different ones, and the same again', () => {
    const known: Record<string, string> = {};
    const first = namingOf('pseudonym', cases, known);
    const told = cases.map(first.of);
    expect(new Set(told).size).toBe(3);
    for (const name of told) expect(name).toMatch(/^case-[0-9a-f]{4}$/);
    expect(Object.keys(known)).toEqual(['a/SMITH_JOHN', 'a/SMITH', 'a/case.1']);
    const more = [...cases, { site: 'b', name: 'SMITH' }];
    expect(more.map(namingOf('pseudonym', more, known).of).slice(0, 3)).toEqual(told);
    expect(namingOf('show', cases, {}).of(cases[0]!)).toBe('SMITH_JOHN');
  });

  it('of 5,000 cases are all different', () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({ site: 'a', name: `${i}` }));
    expect(new Set(many.map(namingOf('pseudonym', many, {}).of)).size).toBe(5000);
  });

  it('and absolute paths do not come through in the words of an error', () => {
    const known: Record<string, string> = {};
    const { inText, of } = namingOf('pseudonym', cases, known);
    expect(inText('/data/clinic/a/SMITH_JOHN.nii.gz: is damaged; see SMITH, 1/2 of a/b')).toBe(
      `…/${of(cases[0]!)}.nii.gz: is damaged; see ${of(cases[1]!)}, 1/2 of a/b`,
    );
    expect(namingOf('show', cases, {}).inText('"/data/clinic/SMITH.nii": gone')).toBe('"…/SMITH.nii": gone');
  });
});

describe('places', () => {
  it('are told as seen from the run, and elsewhere on the machine by their last part', () => {
    expect(placeFrom('/work/runs/a', '/work/runs/a/data')).toBe('data');
    expect(placeFrom('/work/runs/a', '/work/data/brain')).toBe('../../data/brain');
    expect(placeFrom('/work/runs/a', '/mnt/clinic/brain')).toBe('…/brain');
    expect(placeFrom('/work/runs/a', '/work/runs/a')).toBe('.');
  });
});
