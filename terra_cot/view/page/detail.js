// One sample: question, frames, the chain in steps, its evidence, and where it comes from. Texts are never HTML.
"use strict";

{
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };
  const button = (text, label, className, onClick) => {
    const element = make("button", className, text);
    element.type = "button";
    element.setAttribute("aria-label", label);
    element.addEventListener("click", onClick);
    return element;
  };
  const ink = ([red, green, blue]) => (0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#111" : "#fff");

  /** What a fact in percent is a share of. */
  const OF = {
    share: "of the valid pixels", joint_share: "of the valid pixels", area_difference: "of the larger area",
    component_share: "of the regions of the second", near_share: "of the first", above_share: "of the first",
    left_share: "of the first", inside_share: "of the first", size_change: "of the first",
  };

  terraCot.detail = {
    box: null,

    /** Sentences of a chain with the masks of each; [SEG]s are numbered through. */
    steps(chain) {
      let mask = 0;
      return chain.split(/(?<=[.!?])\s+(?=[^\sa-z])/u).map((text) => {
        const pieces = text.split("[SEG]"), masks = pieces.slice(1).map(() => mask++);
        return { pieces, masks };
      });
    },

    /** A number as people read it; the exact one is the cell's title. */
    number(value, unit) {
      if (unit === "bool") return value ? "yes" : "no";
      const text = Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(5)));
      return { count: text, share: text, index: text, m2: `${text} m²` }[unit] || `${text} ${unit}`;
    },

    message(text) {
      this.box.replaceChildren(make("p", "message", text));
    },

    /** Show row `number` with what its file says of it. */
    show(number, sample, actions) {
      const row = terraCot.data.rows[number], facets = terraCot.data.meta.facets;
      this.sample = sample;
      this.kept = []; // masks that stay lit
      this.parts = []; // [element, masks] of all that lights
      const kept = terraCot.filter.kept, place = kept.indexOf(number);
      const where = place < 0 ? "not among those filtered" : `${(place + 1).toLocaleString("en")} of ${kept.length.toLocaleString("en")}`;
      const bar = make("div", "bar",
        button("‹ List", "Back to the list", "back", actions.back),
        button("‹", "Sample before", "", () => actions.move(-1)), button("›", "Next sample", "", () => actions.move(1)),
        make("span", "where", where),
        make("span", "tags", facets.slice(0, 4).map((facet, index) => facet.words[row.facets[index][0]]).join(" · ")),
        (this.copy = button("Copy link", "Copy the link to this sample", "", () => actions.copy())));
      const stage = make("div", "stage");
      const question = make("h2", "question", row.question);
      const answer = make("p", "answer", make("span", "soft", "Answer "), row.answer);
      const ask = make("div", "ask", question, ...(sample.options ? [this.options(sample.options, row.answer)] : []), answer);
      const text = make("div", "text", this.chain(row.chain), this.evidence());
      const look = make("div", "look", stage, this.legend()), body = make("div", "body", look, text);
      this.box.replaceChildren(bar, ask, body, this.origin(row));
      this.box.scrollTop = 0;
      terraCot.stage.build(stage, sample, (masks) => this.light(masks.slice(0, 1)), (masks) => this.keep(masks.slice(0, 1)));
      this.arrange(look, body);
    },

    /** Where the text does not fit beside the images it goes below, and the images take the whole width. */
    arrange(look, body) {
      if (this.watch) this.watch.disconnect();
      this.watch = new ResizeObserver(() => {
        body.classList.remove("stacked");
        body.classList.toggle("stacked", look.nextElementSibling.offsetTop > look.offsetTop + 8);
      });
      this.watch.observe(this.box);
      this.watch.observe(look);
    },

    options(options, answer) {
      const list = make("ul", "options");
      for (const option of options) {
        const item = make("li", option === answer ? "right" : "", option);
        if (option === answer) item.append(make("span", "hidden", " (the answer)"));
        list.append(item);
      }
      return list;
    },

    /** An element that lights `masks` while it is pointed at or focused, and keeps them lit when clicked. */
    lights(element, masks) {
      element.addEventListener("pointerenter", () => this.light(masks));
      element.addEventListener("pointerleave", () => this.light([]));
      if (element.tagName === "BUTTON" || element.tabIndex >= 0) {
        element.addEventListener("focus", () => { if (element.matches(":focus-visible")) this.light(masks); });
        element.addEventListener("blur", () => this.light([]));
      }
      element.addEventListener("click", (event) => { event.stopPropagation(); this.keep(masks); });
      this.parts.push([element, masks]);
      return element;
    },

    chip(number) {
      const mask = this.sample.masks[number];
      const chip = make("span", "chip", String(number + 1));
      chip.style.background = `rgb(${mask.color.join()})`;
      chip.style.color = ink(mask.color);
      chip.title = `${mask.label}, ${mask.frame}`;
      return chip;
    },

    /** A chip of a sentence lights its own mask alone, then again those of the sentence. */
    lone(number, masks) {
      const chip = this.chip(number);
      chip.addEventListener("pointerenter", () => this.light([number]));
      chip.addEventListener("pointerleave", () => this.light(masks));
      chip.addEventListener("click", (event) => { event.stopPropagation(); this.keep([number]); });
      return chip;
    },

    chain(chain) {
      const list = make("ol", "chain");
      for (const step of this.steps(chain)) {
        const item = make("li", "step"), line = make(step.masks.length ? "button" : "p", "line");
        step.pieces.forEach((piece, index) => {
          if (index) line.append(this.lone(step.masks[index - 1], step.masks));
          line.append(piece);
        });
        if (step.masks.length) {
          line.type = "button";
          const labels = step.masks.map((number) => this.sample.masks[number].label).join(", ");
          line.setAttribute("aria-description", `lights ${labels}`);
          this.lights(line, step.masks);
        }
        item.append(line);
        list.append(item);
      }
      return make("section", "", make("h3", "", "Chain"), list);
    },

    evidence() {
      const rows = this.sample.evidence;
      if (!rows.length) return make("section", "", make("h3", "", "Evidence"), make("p", "soft", "none"));
      const body = make("tbody", "");
      for (const item of rows) {
        const value = make("td", "value", this.number(item.value, item.unit));
        value.title = `${item.value} ${item.unit}`;
        const line = make("tr", "", this.fact(item.fact), make("td", "", ...item.masks.map((mask) => this.chip(mask))), value);
        if (item.masks.length) this.lights(line, item.masks);
        body.append(line);
      }
      const head = make("thead", "", make("tr", "", ...["Fact", "Masks", "Value"].map((name) => make("th", "", name))));
      return make("section", "", make("h3", "", "Evidence"), make("table", "evidence", head, body));
    },

    fact(name) {
      const cell = make("td", "", name.replaceAll("_", " "));
      if (OF[name]) cell.append(make("span", "soft of", ` ${OF[name]}`));
      return cell;
    },

    /** The masks by number, with class and date. */
    legend() {
      const bar = make("div", "legend"), dates = new Set(this.sample.frames.map((entry) => entry.frame)).size > 1;
      this.sample.masks.forEach((mask, number) => {
        const empty = terraCot.rle.runs(mask.counts).length === 1 ? " (empty mask)" : "";
        const entry = make("button", "", this.chip(number), ` ${mask.label}${dates ? ` · ${mask.frame}` : ""}${empty}`);
        entry.type = "button";
        bar.append(this.lights(entry, [number]));
      });
      return bar;
    },

    origin(row) {
      const { tile, writer, seed, frames } = this.sample, list = make("dl", "");
      const place = tile.lon == null ? "not known" : `${tile.lat.toFixed(4)}, ${tile.lon.toFixed(4)}`;
      const facts = {
        Sample: row.id, Tile: tile.tile_id, Source: `${tile.source}: ${tile.source_id}`, Licence: tile.licence,
        "Latitude, longitude": place, CRS: tile.crs || "none", Size: `${tile.width} × ${tile.height} px of ${tile.gsd_m} m`,
        Legend: tile.legend || "none", Writer: writer, Seed: seed,
        Alignment: frames.map((entry) => this.shift(entry)).join("; "),
        Bands: frames.map((entry) => `${entry.frame} ${entry.modality}: ${(entry.bands || []).join(" ")}`).join("; "),
      };
      for (const [name, value] of Object.entries(facts)) list.append(make("dt", "", name), make("dd", "", value));
      return make("details", "origin", make("summary", "", "Where it comes from"), list);
    },

    /** What became of the shift of a frame. */
    shift(entry) {
      const px = entry.shift_status === "removed" ? ` ${entry.shift_px.map((one) => one.toFixed(2)).join(", ")} px` : "";
      return `${entry.frame} ${entry.modality}: ${entry.shift_status || "not known"}${px}`;
    },

    /** Light masks while pointed at; with none, those that are kept. */
    light(masks) {
      const lit = masks.length ? masks : this.kept;
      terraCot.stage.light(lit);
      for (const [element, own] of this.parts) {
        element.classList.toggle("lit", lit.some((number) => own.includes(number)));
      }
    },

    /** Keep masks lit, or let go of them where they were. */
    keep(masks) {
      this.kept = masks.length && masks.join() !== this.kept.join() ? masks : [];
      for (const [element, own] of this.parts) {
        if (element.tagName === "BUTTON") element.setAttribute("aria-pressed", String(own.join() === this.kept.join()));
      }
      this.light(masks.length ? this.kept : []);
    },
  };
}
