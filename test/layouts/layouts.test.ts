import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Case, readDataset } from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';
import { temporaryTree } from './tree.js';

const tree = temporaryTree();
/** Cases with paths below the tree, as `image > label`. */
const casesOf = (root: string, options: Parameters<typeof readDataset>[1] = {}) =>
  readDataset(root, options)
    .sites.flatMap(({ cases }) => cases)
    .map(({ image, label, ...one }: Case) => ({
      ...one,
      files: [image, ...(label ? [label] : [])]
        .map((path) => relative(tree.root, path).replaceAll('\\', '/'))
        .join(' > '),
    }));

describe('the Medical Segmentation Decathlon', () => {
  const list = {
    name: 'Hippocampus',
    labels: { 0: 'background', 1: 'Anterior', 2: 'Posterior' },
    training: [
      { image: './imagesTr/h_002.nii.gz', label: './labelsTr/h_002.nii.gz' },
      { image: './imagesTr/h_001.nii.gz', label: './labelsTr/h_001.nii.gz' },
    ],
    test: ['./imagesTs/h_009.nii.gz'],
  };
  const build = (content: object = list) => {
    tree.put('Task04_Hippocampus/dataset.json', JSON.stringify(content));
    for (const name of ['imagesTr/h_001', 'imagesTr/h_002', 'labelsTr/h_001', 'labelsTr/h_002', 'imagesTs/h_009'])
      tree.put(`Task04_Hippocampus/${name}.nii.gz`);
    tree.put('Task04_Hippocampus/imagesTr/._h_001.nii.gz');
    return tree.at('Task04_Hippocampus');
  };

  it('is one site with the cases that dataset.json lists; test images have no label', () => {
    const root = build();
    const site = 'Task04_Hippocampus';
    expect(casesOf(root)).toEqual([
      { site, name: 'h_001', files: `${site}/imagesTr/h_001.nii.gz > ${site}/labelsTr/h_001.nii.gz` },
      { site, name: 'h_002', files: `${site}/imagesTr/h_002.nii.gz > ${site}/labelsTr/h_002.nii.gz` },
      { site, name: 'h_009', split: 'test', files: `${site}/imagesTs/h_009.nii.gz` },
    ]);
    expect(readDataset(root).classes).toEqual(['Anterior', 'Posterior']);
  });

  it("takes MONAI's validation list as the validation part", () => {
    const [training, validation] = [[list.training[0]], [list.training[1]]];
    const root = build({ ...list, training, validation, test: [{ image: './imagesTs/h_009.nii.gz' }] });
    expect(casesOf(root).map(({ name, split }) => [name, split])).toEqual([
      ['h_001', 'validation'],
      ['h_002', 'train'],
      ['h_009', 'test'],
    ]);
  });

  it('may begin with a byte order mark', () => {
    const root = build();
    tree.put('Task04_Hippocampus/dataset.json', `\ufeff${JSON.stringify(list)}`);
    expect(readDataset(root).classes).toEqual(['Anterior', 'Posterior']);
  });

  it('names a listed file that is not there, and what is wrong with the list', () => {
    const root = build({ ...list, test: ['./imagesTs/h_010.nii.gz'] });
    const missing = errorOf(() => readDataset(root));
    expect(missing.code).toBe('DATASET_FILE_MISSING');
    expect(missing.message).toContain('h_010.nii.gz');
    build({ ...list, training: [{ image: 'x.nii.gz' }] });
    expect(errorOf(() => readDataset(root)).message).toContain('training.0.label: expected string');
    tree.put('Task04_Hippocampus/dataset.json', '{');
    expect(errorOf(() => readDataset(root)).code).toBe('DATASET_LIST');
  });
});

describe('nnU-Net raw', () => {
  const build = (...names: string[]) => {
    const labels = { background: 0, prostate: 1 };
    const head = { channel_names: { 0: 'T2' }, labels, numTraining: 2, file_ending: '.nii.gz' };
    tree.put('Dataset005/dataset.json', JSON.stringify(head));
    for (const name of names) tree.put(`Dataset005/${name}.nii.gz`);
    return tree.at('Dataset005');
  };
  const train = ['imagesTr/p_1_0000', 'imagesTr/p_2_0000', 'labelsTr/p_1', 'labelsTr/p_2'];

  it('pairs channel 0000 with its label, and leaves the parts open where only training is labelled', () => {
    const root = build(...train, 'imagesTs/p_3_0000');
    expect(casesOf(root).map(({ name, split, files }) => [name, split, files.split(' > ').length])).toEqual([
      ['p_1', undefined, 2],
      ['p_2', undefined, 2],
      ['p_3', 'test', 1],
    ]);
    expect(readDataset(root).classes).toEqual(['prostate']);
  });

  it.each([
    ['no background', { a: 1, b: 2 }, ['a', 'b']],
    ['a gap', { background: 0, a: 1, c: 3 }, undefined],
    ['regions', { background: 0, whole: [1, 2], core: 2 }, undefined],
  ])('names classes with %s', (_, labels, classes) => {
    const root = build(...train);
    tree.put('Dataset005/dataset.json', JSON.stringify({ labels }));
    expect(readDataset(root).classes).toEqual(classes);
  });

  it.each([
    [{ 0: 'background', 1: 'a', 2: 'a' }, 'labels: two labels have the name a'],
    [{ background: 0, a: 1, b: 1 }, 'labels: two labels have the number 1'],
  ])('refuses %j', (labels, message) => {
    const root = build(...train);
    tree.put('Dataset005/dataset.json', JSON.stringify({ labels }));
    expect(errorOf(() => readDataset(root))).toMatchObject({
      code: 'DATASET_LIST',
      message: expect.stringContaining(message),
    });
  });

  it('has parts of its own where test cases are labelled', () => {
    const root = build(...train, 'imagesTs/p_3_0000', 'labelsTs/p_3');
    expect(casesOf(root).map(({ split }) => split)).toEqual(['train', 'train', 'test']);
  });

  it.each([
    ['DATASET_CHANNELS', 'imagesTr/p_1_0001', 'p_1_0001'],
    ['DATASET_LABEL_WITHOUT_IMAGE', 'labelsTr/p_9', 'p_9'],
    ['DATASET_IMAGE_WITHOUT_LABEL', 'imagesTr/p_9_0000', 'labelsTr'],
  ])('%s', (code, extra, text) => {
    const root = build(...train, extra);
    const error = errorOf(() => readDataset(root));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });
});

describe('images that are not NIfTI', () => {
  const faultOf = (root: string) => {
    const error = errorOf(() => readDataset(root));
    expect(error.code).toBe('DATASET_NOT_NIFTI');
    expect(error.hint).toContain('Only NIfTI');
    return error.message;
  };

  it('are named, whatever the layout', () => {
    tree.put('nn/dataset.json', JSON.stringify({ labels: { background: 0, organ: 1 }, file_ending: '.nrrd' }));
    tree.put('nn/imagesTr/c1_0000.nrrd');
    tree.put('nn/labelsTr/c1.nrrd');
    expect(faultOf(tree.at('nn'))).toContain('c1_0000.nrrd');

    const training = [{ image: 'imagesTr/h_1.mha', label: 'labelsTr/h_1.mha' }];
    tree.put('msd/dataset.json', JSON.stringify({ labels: { 0: 'background', 1: 'organ' }, training }));
    for (const file of ['imagesTr/h_1.mha', 'labelsTr/h_1.mha']) tree.put(`msd/${file}`);
    expect(faultOf(tree.at('msd'))).toContain('h_1.mha');

    tree.put('table/cases.csv', 'site,case,image,label\ns,a,a.mgz,\n');
    tree.put('table/a.mgz');
    expect(faultOf(tree.at('table/cases.csv'))).toContain('a.mgz');

    for (const name of ['a.hdr', 'a.img', 'b.png']) tree.put(`plain/s/images/${name}`);
    expect(faultOf(tree.at('plain'))).toContain('a.hdr, a.img, b.png');
  });

  it('are missed beside NIfTI unless the same case is there as NIfTI, too; pictures are not', () => {
    tree.put('mixed/s/images/a.nii.gz');
    tree.put('mixed/s/images/a.nrrd');
    tree.put('mixed/s/images/a.png');
    expect(casesOf(tree.at('mixed'))).toHaveLength(1);
    tree.put('mixed/s/images/b.nrrd');
    expect(faultOf(tree.at('mixed'))).toContain('found b.nrrd');
  });
});

describe('BIDS', () => {
  const build = (...names: string[]) => {
    tree.put('set/dataset_description.json', '{"Name": "a set", "BIDSVersion": "1.9.0"}');
    for (const name of names) tree.put(`set/${name}.nii.gz`);
    return tree.at('set');
  };

  it('takes subjects as patients, sessions as cases of theirs, and masks from derivatives', () => {
    const root = build(
      'sub-01/ses-1/anat/sub-01_ses-1_T1w',
      'sub-01/ses-2/anat/sub-01_ses-2_T1w',
      'sub-02/anat/sub-02_T1w',
      'sub-02/func/sub-02_task-rest_bold',
      'derivatives/manual/sub-01/ses-2/anat/sub-01_ses-2_space-orig_label-brain_mask',
      'derivatives/manual/sub-02/anat/sub-02_dseg',
      'derivatives/other/sub-02/anat/sub-02_desc-preproc_T1w',
    );
    const derived = 'set/derivatives/manual';
    expect(casesOf(root)).toEqual([
      {
        site: 'T1w',
        name: 'sub-01_ses-1_T1w',
        patient: 'sub-01',
        files: 'set/sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz',
      },
      {
        ...{ site: 'T1w', name: 'sub-01_ses-2_T1w', patient: 'sub-01' },
        files: `set/sub-01/ses-2/anat/sub-01_ses-2_T1w.nii.gz > ${derived}/sub-01/ses-2/anat/sub-01_ses-2_space-orig_label-brain_mask.nii.gz`,
      },
      {
        ...{ site: 'T1w', name: 'sub-02_T1w', patient: 'sub-02' },
        files: `set/sub-02/anat/sub-02_T1w.nii.gz > ${derived}/sub-02/anat/sub-02_dseg.nii.gz`,
      },
    ]);
  });

  it('makes sites of participants.tsv and of suffixes; space says which suffix a mask is for', () => {
    const root = build(
      ...['sub-01/anat/sub-01_T1w', 'sub-01/anat/sub-01_FLAIR', 'sub-02/anat/sub-02_T1w'],
      'derivatives/lesions/sub-01/anat/sub-01_space-FLAIR_desc-lesion_mask',
    );
    tree.put('set/participants.tsv', 'participant_id\tage\tsite\nsub-01\t40\tleeds\nsub-02\t50\tyork\n');
    expect(casesOf(root).map(({ site, files }) => [site, files.includes('>')])).toEqual([
      ['leeds-FLAIR', true],
      ['leeds-T1w', false],
      ['york-T1w', false],
    ]);
  });

  it('takes n/a for an empty cell', () => {
    const root = build('sub-01/anat/sub-01_T1w', 'sub-02/anat/sub-02_T1w');
    tree.put('set/participants.tsv', 'participant_id\tage\tsite\nsub-01\t3\tleeds\nsub-02\tn/a\tn/a\n');
    expect(casesOf(root).map(({ site }) => site)).toEqual(['T1w', 'leeds']);
  });

  it('passes over what lies beside images and is none', () => {
    const beside = ['mod-T1w_defacemask', 'label-lesion_mask', 'dseg', 'space-orig_label-GM_probseg', 'sbref'];
    const root = build('sub-01/anat/sub-01_T1w', ...beside.map((name) => `sub-01/anat/sub-01_${name}`));
    expect(casesOf(root)).toMatchObject([{ site: 'T1w', name: 'sub-01_T1w' }]);
  });

  it('asks which masks are meant where an image has several', () => {
    const names = ['brain', 'lesion'].map((label) => `derivatives/m/sub-01/anat/sub-01_label-${label}_mask`);
    const root = build('sub-01/anat/sub-01_T1w', ...names);
    const error = errorOf(() => readDataset(root));
    expect(error.code).toBe('DATASET_SEVERAL_MASKS');
    expect(error.hint).toContain('data.masks');
    expect(casesOf(root, { masks: 'label-lesion' })[0].files).toContain('lesion_mask');
    expect(errorOf(() => readDataset(root, { masks: '(' })).code).toBe('DATASET_MASK_PATTERN');
  });
});

describe('a CSV table', () => {
  const build = (text: string) => {
    for (const name of ['a/1.nii.gz', 'a/2.nii.gz', 'm/1.nii.gz', 'm/2.nii.gz']) tree.put(name);
    return tree.put('cases.csv', text);
  };
  const [first, second] = ['leeds,p1,a/1.nii.gz,m/1.nii.gz', 'leeds,p2,a/2.nii.gz,'];

  it('names sites, cases and files; patients and parts where it has such columns', () => {
    const table = build(`site,case,image,label,patient,split\n${first},anna,train\n${second},ben,test\n`);
    expect(casesOf(table)).toEqual([
      { site: 'leeds', name: 'p1', patient: 'anna', split: 'train', files: 'a/1.nii.gz > m/1.nii.gz' },
      { site: 'leeds', name: 'p2', patient: 'ben', split: 'test', files: 'a/2.nii.gz' },
    ]);
  });

  it('reads what a spreadsheet writes: semicolons, a byte order mark, capitals, quotes', () => {
    const table = build('\ufeffLabel;Image;Case;Site\r\n"m/1.nii.gz";"a/1.nii.gz";"p;1";Leeds\r\n');
    expect(casesOf(table)).toEqual([{ site: 'Leeds', name: 'p;1', files: 'a/1.nii.gz > m/1.nii.gz' }]);
  });

  it.each([
    ['semicolons', 'site;case;image;label\r\nleeds;p1, follow-up;a/1.nii.gz;m/1.nii.gz\r\n', 'p1, follow-up'],
    ['tabs', '\ufeffsite\tcase\timage\tlabel\nleeds\tp,1;2\ta/1.nii.gz\tm/1.nii.gz\n', 'p,1;2'],
    ['commas and quotes', 'site,case,image,label\n"leeds","p;1 ""b""",a/1.nii.gz,m/1.nii.gz\n', 'p;1 "b"'],
    ['commas, and a quoted header', '"site","case","image","label"\n"leeds","p1","a/1.nii.gz","m/1.nii.gz"\n', 'p1'],
    ['semicolons, and a quoted header', '"site";"case";"image";"label"\nleeds;"p,1";a/1.nii.gz;m/1.nii.gz\n', 'p,1'],
    ['tabs, and a quoted header', '"site"\t"case"\t"image"\t"label"\nleeds\tp1\ta/1.nii.gz\tm/1.nii.gz\n', 'p1'],
    ['what Excel is told', '\ufeffsep=;\r\nsite;case;image;label\r\nleeds;p,1;a/1.nii.gz;m/1.nii.gz\r\n', 'p,1'],
    ['one at the end of every line', 'site,case,image,label,\nleeds,p1,a/1.nii.gz,m/1.nii.gz,\n', 'p1'],
    ['rows that R numbers', '"","site","case","image","label"\n"1","leeds","p1","a/1.nii.gz","m/1.nii.gz"\n', 'p1'],
    ['line ends of old Macs', 'site,case,image,label\rleeds,p1,a/1.nii.gz,m/1.nii.gz\r', 'p1'],
  ])('has one separator, that of its header: %s', (_, text, name) => {
    expect(casesOf(build(text), { report: () => {} })).toEqual([
      { site: 'leeds', name, files: 'a/1.nii.gz > m/1.nii.gz' },
    ]);
  });

  it('may be UTF-16, and has n/a for what is not there', () => {
    const table = build('');
    writeFileSync(
      table,
      Buffer.from('\ufeffsite\tcase\timage\tlabel\tpatient\nköln\tp1\ta/1.nii.gz\tn/a\tN/A\n', 'utf16le'),
    );
    expect(casesOf(table)).toEqual([{ site: 'köln', name: 'p1', files: 'a/1.nii.gz' }]);
  });

  it('may have rows of separators alone', () => {
    const table = build(`site,case,image,label\n,,,\n${first}\n , ,,\n`);
    expect(casesOf(table)).toEqual([{ site: 'leeds', name: 'p1', files: 'a/1.nii.gz > m/1.nii.gz' }]);
  });

  it('may be in Windows-1252, as Excel writes it, like the participants of BIDS', () => {
    const table = build('');
    const text = 'site,case,image,label\nköln,p1,a/1.nii.gz,m/1.nii.gz\nkåln,p1,a/Müller.nii.gz,\n';
    tree.put('a/Müller.nii.gz');
    writeFileSync(table, Buffer.from(text, 'latin1'));
    expect(casesOf(table)).toEqual([
      { site: 'kåln', name: 'p1', files: 'a/Müller.nii.gz' },
      { site: 'köln', name: 'p1', files: 'a/1.nii.gz > m/1.nii.gz' },
    ]);
    for (const subject of ['sub-01', 'sub-02']) tree.put(`bids/${subject}/anat/${subject}_T1w.nii.gz`);
    tree.put('bids/dataset_description.json', '{}');
    const participants = tree.put('bids/participants.tsv');
    writeFileSync(participants, Buffer.from('participant_id\tsite\nsub-01\tköln\nsub-02\tkåln\n', 'latin1'));
    expect(casesOf(tree.at('bids')).map(({ site }) => site)).toEqual(['kåln', 'köln']);
  });

  it.each([
    ['site,case,label\nx,y,z', 'image missing'],
    ['site,case,image,label,patiens\nx,y,z,,w', 'did you mean patient'],
    ['site,case,image,label\nx,y,z\n', 'could not be read as a table'],
    ['site,case,image,label\n', 'found none'],
    [`site,case,image,label\n${second}\nleeds,,a/1.nii.gz,`, 'line 3: the column case is empty'],
    [`site,case,image,label,split\n${first},training`, 'line 2: split is "training"'],
  ])('%j: %s', (text, message) => {
    const error = errorOf(() => readDataset(build(text)));
    expect(error.code).toBe('CSV_INVALID');
    expect(error.message).toContain(message);
    expect(error.message).toContain('cases.csv');
  });

  it('names files that are not there, cases that are there twice and patients in two parts', () => {
    const head = 'site,case,image,label,patient,split\n';
    const codeOf = (...rows: string[]) => errorOf(() => readDataset(build(head + rows.join('\n')))).code;
    expect(codeOf('x,y,a/9.nii.gz,,,')).toBe('DATASET_FILE_MISSING');
    expect(codeOf(`${first},,`, `${first},,`)).toBe('DATASET_DUPLICATE_CASE');
    expect(codeOf(`${first},anna,train`, `${second},anna,test`)).toBe('DATASET_PATIENT_DIVIDED');
    expect(codeOf('../x,y,a/1.nii.gz,,,')).toBe('DATASET_NAME');
  });
});

describe('readDataset', () => {
  it('can be told the layout', () => {
    tree.put('a/images/p.nii.gz');
    tree.put('dataset_description.json', '{}');
    expect(casesOf(tree.root).length).toBe(1);
    expect(errorOf(() => readDataset(tree.root, { layout: 'bids' })).code).toBe('DATASET_EMPTY_SITE');
  });

  it('says where nothing is, also for a table', () => {
    for (const name of ['absent', 'absent.csv'])
      expect(errorOf(() => readDataset(tree.at(name))).code).toBe('DATASET_NOT_FOUND');
  });
});
