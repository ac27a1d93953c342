/** A picture to draw on: rectangles of pixels and text. What lies outside is cut. */
import { encodePng } from '../../report/index.js';
import { glyphHeight, glyphPixel, glyphWidth } from './font.js';

export type Colour = readonly [red: number, green: number, blue: number];

/** From one character to the next. */
const advance = glyphWidth + 1;

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #pixels: Uint8Array;

  constructor(width: number, height: number, background: Colour) {
    [this.width, this.height] = [width, height];
    this.#pixels = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) this.#pixels.set(background, 3 * i);
  }

  set(x: number, y: number, colour: Colour): void {
    if (x >= 0 && y >= 0 && x < this.width && y < this.height) this.#pixels.set(colour, 3 * (y * this.width + x));
  }

  /** Text with its upper left corner at (x, y), cut with an ellipsis where it is wider than `width` pixels. */
  text(text: string, x: number, y: number, colour: Colour, width = Number.POSITIVE_INFINITY): void {
    const most = Math.floor((width + 1) / advance);
    const characters = [...text];
    const shown = characters.length > most ? [...characters.slice(0, Math.max(0, most - 3)), ...'...'] : characters;
    shown.forEach((character, i) => {
      for (let row = 0; row < glyphHeight; row++)
        for (let column = 0; column < glyphWidth; column++)
          if (glyphPixel(character, row, column)) this.set(x + i * advance + column, y + row, colour);
    });
  }

  /** The bytes of a PNG file. */
  png(): Buffer {
    return encodePng(this.#pixels, this.width, this.height, 3);
  }
}
