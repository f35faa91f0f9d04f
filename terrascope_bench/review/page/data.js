// What the server knows: the list once, questions one by one; and what it is told. Nothing is asked of anyone else.
"use strict";

{
  const KEPT = 12; // questions held, so that going back shows at once
  const held = new Map();

  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

  // Addresses are relative: the page stands in the place of its expert.
  const ask = async (path, options) => {
    let answer, body;
    try {
      answer = await fetch(path, { credentials: "same-origin", ...options });
      if (answer.status !== 401) body = await answer.json();
    } catch {
      throw new Error("The server does not answer.");
    }
    if (answer.status === 401) throw new Error("The server was started anew: open your new link in this browser.");
    if (!answer.ok) throw Object.assign(new Error(sentence(body.error || `The server answers ${answer.status}`)), { status: answer.status, now: body.now });
    return body;
  };

  terraCot.data = {
    meta: null,
    rows: [],
    numbers: new Map(), // question id -> row
    since: 0, // the last answer that the states here know of

    async start() {
      const told = await ask("api/start");
      const words = [told.states, [], [], [], []], known = words.map((list) => new Map(list.map((word, at) => [word, at])));
      const number = (facet, word) => {
        if (!known[facet].has(word)) known[facet].set(word, words[facet].push(word) - 1);
        return known[facet].get(word);
      };
      this.told = told;
      this.since = told.since;
      for (const [place, state, id, task, shown, source, labels, dates, question] of told.rows) {
        const picture = `picture/${place}/0?${told.version}`;
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
        held.set(row, ask(`api/question/${this.rows[row].place}`));
        while (held.size > KEPT) held.delete(held.keys().next().value);
      }
      try {
        return await held.get(row);
      } catch (error) {
        held.delete(row);
        throw error;
      }
    },

    /** Tell the server of a review or a draft (null forgets it) that stands on stamp `seen`; resolves when it is on its disk. */
    async keep(kind, row, body, seen, last) {
      held.delete(row);
      const text = JSON.stringify(body), path = `api/${kind}/${this.rows[row].place}`;
      // A page that goes away may leave a short message behind it.
      const keepalive = Boolean(last) && text.length < 60000;
      const send = () => {
        const headers = { "Content-Type": "application/json", "X-Review-Token": this.told.token, "X-Review-Seen": seen };
        return ask(path, { method: "POST", headers, body: text, keepalive });
      };
      let told;
      try {
        told = await send();
      } catch (error) {
        if (error.status !== 403) throw error;
        await this.renew();
        told = await send();
      }
      this.restate(told.states, row);
      return told;
    },

    /** The server was started anew and knows this expert again: take the key that changes must carry now. */
    async renew() {
      const key = await ask("api/key");
      if (key.benchmark !== this.told.benchmark) throw new Error("The server has another version of the benchmark: reload this page.");
      this.told.token = key.token;
    },

    /** Take over states, by the server's numbers; what is held of those questions is asked for again. */
    restate(states, row) {
      held.delete(row);
      for (const [place, state] of Object.entries(states)) {
        const changed = this.places.get(Number(place));
        if (changed === undefined) continue;
        held.delete(changed);
        this.rows[changed].facets[0] = [state];
      }
    },

    /** States that others have changed; returns the rows. */
    async news() {
      const told = await ask(`api/states?since=${this.since}`);
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
