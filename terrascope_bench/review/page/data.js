// What the server knows: the list once, questions one by one; and what it is told. Nothing is asked of anyone else.
"use strict";

{
  const KEPT = 12; // questions held, so that going back shows at once
  const held = new Map();

  const ask = async (path, options) => {
    let answer;
    try {
      answer = await fetch(path, { credentials: "same-origin", ...options });
    } catch {
      throw new Error("The server does not answer.");
    }
    if (answer.status === 401) throw new Error("The server was started anew. Open your new link: drafts and answers are kept.");
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error || `The server answers ${answer.status}.`);
    return body;
  };

  terraCot.data = {
    meta: null,
    rows: [],
    numbers: new Map(), // question id -> row
    since: 0, // the last answer that the states here know of

    async start() {
      const told = await ask("/api/start");
      const words = [told.states, [], [], [], []], known = words.map((list) => new Map(list.map((word, at) => [word, at])));
      const number = (facet, word) => {
        if (!known[facet].has(word)) known[facet].set(word, words[facet].push(word) - 1);
        return known[facet].get(word);
      };
      this.told = told;
      this.since = told.since;
      for (const [place, state, id, task, shown, source, labels, dates, question] of told.rows) {
        const picture = `/picture/${place}/0?${told.version}`;
        this.numbers.set(id, this.rows.length);
        this.rows.push({
          place, id, dates, question, picture, text: [id, question, ...labels].join("\n").toLowerCase(),
          facets: [[state], [number(1, task)], [number(2, shown)], [number(3, source)], labels.map((label) => number(4, label))],
        });
      }
      const titles = ["State", "Task", "Shown", "Source", "Class"], names = ["state", "task", "shown", "source", "label"];
      this.places = new Map(this.rows.map((row, at) => [row.place, at]));
      this.meta = {
        facets: words.map((list, at) => ({ name: names[at], title: titles[at], words: list })),
        colors: words[4].map((label) => told.colors[label]),
      };
    },

    state(row) { return this.rows[row].facets[0][0]; },

    /** What is shown of a row; `fresh` asks the server even where it is held. */
    async question(row, fresh) {
      if (fresh) held.delete(row);
      if (!held.has(row)) {
        held.set(row, ask(`/api/question/${this.rows[row].place}`));
        while (held.size > KEPT) held.delete(held.keys().next().value);
      }
      try {
        return await held.get(row);
      } catch (error) {
        held.delete(row);
        throw error;
      }
    },

    /** Tell the server of a review or a draft (null forgets it); resolves when it is on its disk. */
    async keep(kind, row, body, last) {
      held.delete(row);
      const headers = { "Content-Type": "application/json", "X-Review-Token": this.told.token };
      const text = JSON.stringify(body);
      // A page that goes away may leave a short message behind it.
      const keepalive = Boolean(last) && text.length < 60000;
      const told = await ask(`/api/${kind}/${this.rows[row].place}`, { method: "POST", headers, body: text, keepalive });
      held.delete(row);
      for (const [place, state] of Object.entries(told.states)) {
        const changed = this.places.get(Number(place));
        held.delete(changed);
        this.rows[changed].facets[0] = [state];
      }
      return told;
    },

    /** States that others have changed; returns the rows. */
    async news() {
      const told = await ask(`/api/states?since=${this.since}`);
      this.since = told.since;
      const rows = [];
      for (const [place, state] of Object.entries(told.states)) {
        const row = this.places.get(Number(place));
        if (row === undefined) continue;
        held.delete(row);
        if (this.rows[row].facets[0][0] !== state) rows.push(row);
        this.rows[row].facets[0] = [state];
      }
      return rows;
    },
  };
}
