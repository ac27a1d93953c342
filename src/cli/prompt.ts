/** Prompts as text: `point 30,42,18 outside 10,12,18 box 20,30,18,40,50,18 mm`. */
import type { Prompt } from '../segmenter/index.js';
import { cliError } from './errors.js';

const lengths = { point: 3, outside: 3, box: 6 } as const;
const isWord = (word: string): word is keyof typeof lengths => Object.hasOwn(lengths, word);

/** @throws GraftError OPTION_INVALID */
export function parsePrompt(text: string): Prompt {
  const invalid = (problem: string) =>
    cliError('OPTION_INVALID', {
      problems: `--prompt "${text}": ${problem}; expected such as "point 30,42,18", "box 20,30,18,40,50,18 mm"`,
      command: 'predict',
    });
  const words = text.trim().split(/\s+/);
  const prompt: Prompt = { space: 'voxel', points: [] };
  while (words.length > 0) {
    const word = words.shift()!;
    if (word === 'mm') prompt.space = 'mm';
    else if (isWord(word)) {
      const values = (words.shift() ?? '').split(',').map((value) => (value === '' ? Number.NaN : Number(value)));
      if (values.length !== lengths[word] || !values.every(Number.isFinite))
        throw invalid(`${word} takes ${lengths[word]} numbers separated by commas`);
      const [x, y, z, ...rest] = values;
      if (word === 'box') {
        if (prompt.box) throw invalid('there can be one box');
        prompt.box = { from: [x, y, z], to: [rest[0], rest[1], rest[2]] };
      } else prompt.points.push({ at: [x, y, z], inside: word === 'point' });
    } else throw invalid(`"${word}" is none of point, outside, box and mm`);
  }
  return prompt;
}
