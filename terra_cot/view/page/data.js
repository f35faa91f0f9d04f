// A page from disk may not read JSON, so data files are scripts that call `terraCot.index`, `listed` or `shown`.
"use strict";

{
  const KEPT = 24; // files of shown samples held at once
  const waiting = new Map(), held = new Map();

  const add = (path) =>
    new Promise((resolve, reject) => {
      const tag = document.createElement("script");
      tag.src = path;
      tag.onload = () => { tag.remove(); resolve(); };
      tag.onerror = () => { tag.remove(); reject(new Error(`${path} cannot be read: write the site again`)); };
      document.head.append(tag);
    });
  const name = (kind, number) => `data/${kind}-${String(number).padStart(5, "0")}.js`;

  terraCot.data = {
    meta: null,
    rows: [], // what the list knows, in the order of the dataset
    numbers: new Map(), // sample id -> row

    /** Read every list file in turn; `onRows` is called after each. */
    async list(onRows) {
      for (let number = 0; number < this.meta.list_files; number++) {
        await add(name("list", number));
        onRows();
      }
    },

    /** What is shown of row `number`; rejects where its file is missing. */
    async sample(number) {
      const size = this.meta.shown_size, file = Math.floor(number / size);
      if (!held.has(file)) {
        if (!waiting.has(file)) waiting.set(file, add(name("shown", file)).finally(() => waiting.delete(file)));
        await waiting.get(file);
      }
      const found = held.get(file);
      held.delete(file); // the file used last goes last
      held.set(file, found);
      while (held.size > KEPT) held.delete(held.keys().next().value);
      return found[number % size];
    },
  };

  const [ID, TIER, TASK, MODALITY, SPLIT, LABELS, DATES, QUESTION, ANSWER, CHAIN, PICTURE] = Array(11).keys();

  terraCot.index = (meta) => {
    terraCot.data.meta = meta;
    terraCot.start();
  };

  terraCot.listed = (file, rows) => {
    const data = terraCot.data, facets = data.meta.facets;
    for (const row of rows) {
      const labels = row[LABELS].map((label) => facets[4].words[label]);
      const texts = [row[ID], row[QUESTION], row[ANSWER], row[CHAIN], labels.join(" ")];
      data.numbers.set(row[ID], data.rows.length);
      data.rows.push({
        id: row[ID], facets: [[row[TIER]], [row[TASK]], [row[MODALITY]], [row[SPLIT]], row[LABELS]], dates: row[DATES],
        question: row[QUESTION], answer: row[ANSWER], chain: row[CHAIN], picture: row[PICTURE],
        text: texts.join("\n").toLowerCase(),
      });
    }
  };

  terraCot.shown = (file, samples) => held.set(file, samples);
}
