// A mask is COCO compressed RLE: column-major runs, background first (see terra_cot/mask.py).
"use strict";
var terraCot = window.terraCot || {};

terraCot.rle = {
  /** Run lengths of compressed RLE text. */
  runs(text) {
    const found = [];
    let at = 0;
    while (at < text.length) {
      let value = 0, place = 1, more = true;
      while (more) {
        const bits = text.charCodeAt(at++) - 48;
        value += (bits & 31) * place;
        place *= 32;
        more = (bits & 32) !== 0;
        if (!more && bits & 16) value -= place;
      }
      if (found.length > 2) value += found[found.length - 2];
      found.push(value);
    }
    return found;
  },

  /** Uint8Array of height x width, row by row: 1 inside the mask. */
  decode(size, text) {
    const [height, width] = size, inside = new Uint8Array(height * width);
    let place = 0, value = 0;
    for (const length of this.runs(text)) {
      if (value) {
        let row = place % height, column = (place - row) / height;
        for (let left = length; left > 0; left--) {
          inside[row * width + column] = 1;
          if (++row === height) { row = 0; column++; }
        }
      }
      place += length;
      value ^= 1;
    }
    return inside;
  },

  /** [row, column, distance] of the pixel that is farthest from the border of what is inside (steps of 1 and 1.5); null where nothing is. */
  deepest(inside, [height, width]) {
    const depth = new Float32Array(height * width), steps = [[-1, 0, 1], [0, -1, 1], [-1, -1, 1.5], [-1, 1, 1.5]];
    let best = null, most = 0;
    for (const turn of [1, -1]) {
      for (let at = turn > 0 ? 0 : depth.length - 1; at >= 0 && at < depth.length; at += turn) {
        if (!inside[at]) continue;
        const row = Math.floor(at / width), column = at % width;
        let least = turn > 0 ? Infinity : depth[at];
        for (const [down, right, far] of steps) {
          const y = row + down * turn, x = column + right * turn;
          const there = y < 0 || y >= height || x < 0 || x >= width ? 0 : depth[y * width + x];
          if (there + far < least) least = there + far;
        }
        depth[at] = least;
        if (turn < 0 && least > most) { most = least; best = [row, column, least]; }
      }
    }
    return best;
  },

  /** Uint8Array like `inside`: 1 inside, 2 within `thick` px of the border inside, 3 just outside of it, 0 elsewhere. */
  zones(inside, size, thick) {
    const [height, width] = size, zones = new Uint8Array(inside);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = row * width + column, own = inside[at];
        let border = false;
        for (let step = 1; step <= thick && !border; step++) {
          border =
            (row >= step ? inside[at - step * width] : 0) !== own ||
            (row + step < height ? inside[at + step * width] : 0) !== own ||
            (column >= step ? inside[at - step] : 0) !== own ||
            (column + step < width ? inside[at + step] : 0) !== own;
        }
        if (border) zones[at] = own ? 2 : 3;
      }
    }
    return zones;
  },
};
