// The filter keeps the rows that have the chosen word of every facet and every word of the search.
"use strict";

terraCot.filter = {
  chosen: [], // by facet: number of a word, or -1
  search: "",
  kept: [], // numbers of rows

  /** Build one select a facet; `onChange` is called when any of them, or the search, changes. */
  build(onChange) {
    const TITLES = { tier: "Tier", task: "Task", modality: "Modality", split: "Split", label: "Class" };
    this.selects = terraCot.data.meta.facets.map((facet, index) => {
      const select = document.createElement("select");
      select.id = `facet-${facet.name}`;
      select.append(new Option("any", "-1"));
      const order = [...facet.words.keys()].sort((a, b) => (facet.words[a] < facet.words[b] ? -1 : 1));
      for (const number of order) select.append(new Option(facet.words[number], number));
      select.addEventListener("change", () => { this.chosen[index] = Number(select.value); onChange(); });
      const label = document.createElement("label");
      label.append(facet.title || TITLES[facet.name], select);
      document.getElementById("filters").append(label);
      this.chosen.push(-1);
      return select;
    });
    this.reset = document.createElement("button");
    this.reset.type = "button";
    this.reset.textContent = "Clear";
    this.reset.addEventListener("click", () => { this.clear(); onChange(); });
    document.getElementById("filters").append(this.reset);
    this.box = document.getElementById("search");
    this.box.addEventListener("input", () => { this.search = this.box.value; onChange(); });
  },

  active() {
    return this.search.trim() !== "" || this.chosen.some((word) => word >= 0);
  },

  clear() {
    this.set("", this.chosen.map(() => -1));
  },

  set(search, chosen) {
    this.search = this.box.value = search;
    this.chosen = chosen;
  },

  /** Find the rows that are kept, and how many each word of a facet would keep. */
  apply() {
    const { rows, meta } = terraCot.data, terms = this.search.toLowerCase().split(/\s+/).filter(Boolean);
    const counts = meta.facets.map((facet) => new Uint32Array(facet.words.length));
    const any = new Uint32Array(meta.facets.length);
    this.kept = [];
    for (let number = 0; number < rows.length; number++) {
      const row = rows[number];
      let missed = 0, last = -1;
      for (let facet = 0; facet < this.chosen.length; facet++) {
        if (this.chosen[facet] >= 0 && !row.facets[facet].includes(this.chosen[facet])) { missed++; last = facet; }
      }
      if (missed > 1 || !terms.every((term) => row.text.includes(term))) continue;
      if (missed === 0) this.kept.push(number);
      for (let facet = 0; facet < counts.length; facet++) {
        if (missed && facet !== last) continue;
        any[facet]++;
        for (const word of row.facets[facet]) counts[facet][word]++;
      }
    }
    this.selects.forEach((select, facet) => {
      for (const option of select.options) {
        const word = Number(option.value), count = word < 0 ? any[facet] : counts[facet][word];
        option.textContent = `${word < 0 ? "any" : meta.facets[facet].words[word]} (${count.toLocaleString("en")})`;
      }
      select.value = String(this.chosen[facet]);
      select.classList.toggle("chosen", this.chosen[facet] >= 0);
    });
    this.reset.hidden = !this.active();
  },
};
