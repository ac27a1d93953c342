/** A patient's name is masked in a path, however it is written there; what is no name stays. */
import { describe, expect, it } from 'vitest';
import { maskerOf } from '../../src/data/dicom/identifying.js';

/** [words of the name, path, how it is shown] */
const paths: [string[], string, string][] = [
  [['Müstermann', 'Mäx'], 'Müstermann/s/IM1', '…/s/IM1'],
  [['Müstermann', 'Mäx'], 'Mu\u0308stermann_Ma\u0308x/IM1', '…/IM1'],
  [['Müstermann', 'Mäx'], 'mustermann max.dcm', '….dcm'],
  [['Müstermann', 'Mäx'], 'MUESTERMANN-MAEX-CT/1', '…-CT/1'],
  [['Muestermann', 'Maex'], 'Mäx_Müstermann', '…'],
  [['Müller-Lüdenscheidt'], 'muellerluedenscheidt', '…'],
  [['Åse', 'Bjørn'], 'Aase_Bjoern/a', '…/a'],
  [['Łukasz', 'Wałęsa'], 'Walesa Lukasz', '…'],
  [['Li', 'Wei'], 'LiWei/IM1', '…/IM1'],
  [['Li', 'Wei'], 'Wei_Li_CT/slice1', '…_CT/slice1'],
  [['Li', 'Wei'], 'li7/slice', '…7/slice'],
  [['O', 'X'], 'O_X/box', '…/box'],
  [['山田', '太郎'], 'MR/山田太郎_t1', 'MR/…_t1'],
  [['王', '小東'], 'x王x/小東', 'x…x/…'],
  [['ﾔﾏﾀﾞ', 'ﾀﾛｳ'], 'ヤマダ タロウ', '…'],
  [['やまだ'], 'ヤマダ', '…'],
  [['홍', '길동'], '홍길동'.normalize('NFD'), '…'],
  [['Διονύσιος'], 'ΔΙΟΝΥΣΙΟΣ/1', '…/1'],
  [['Иванов'], 'архив/ИВАНОВ', 'архив/…'],
  [['قباني'], 'قباني/1', '…/1'],
  [['สมชาย'], 'สมชาย/1', '…/1'],
  [['Smith'], 'unread\ufffdable/IM1', '…/IM1'],
  [['PLANTED-ID-4711'], 'planted_id_4711.dcm', '….dcm'],
  [['19500228'], '1950-02-28', '…'],
];

describe('a path is shown without', () => {
  it.each(paths)('%j in %s', (words, path, shown) => {
    expect(maskerOf([words])(path)).toBe(shown);
  });

  it('any other change', () => {
    const mask = maskerOf([
      ['Li', 'Wei'],
      ['Smith', 'A'],
    ]);
    expect(mask('export/slices/Axial_T1/IM0001.dcm')).toBe('export/slices/Axial_T1/IM0001.dcm');
  });
});
