// The way back from pixels to COCO compressed RLE: the same text as pycocotools writes.
"use strict";

/** RLE text of `inside`, a Uint8Array of height x width, row by row. */
terraCot.rle.encode = (inside, [height, width]) => {
  const runs = [];
  let value = 0, length = 0;
  for (let column = 0; column < width; column++) {
    for (let row = 0, at = column; row < height; row++, at += width) {
      if (inside[at] !== value) {
        runs.push(length);
        length = 0;
        value ^= 1;
      }
      length++;
    }
  }
  runs.push(length);
  let text = "";
  runs.forEach((run, place) => {
    let left = place > 2 ? run - runs[place - 2] : run, more = true;
    while (more) {
      let bits = left & 31;
      left >>= 5;
      more = bits & 16 ? left !== -1 : left !== 0;
      if (more) bits |= 32;
      text += String.fromCharCode(bits + 48);
    }
  });
  return text;
};
