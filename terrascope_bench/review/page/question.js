// One question: what is asked, its frames and masks with the tools to repair them, its evidence and origin.
"use strict";

{
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };
  const button = (text, label, keys, onClick) => {
    const element = make("button", "", text);
    element.type = "button";
    element.title = `${label} (${keys})`;
    element.setAttribute("aria-label", label);
    element.setAttribute("aria-keyshortcuts", keys);
    element.addEventListener("click", onClick);
    return element;
  };

  const { number } = terraCot.detail;
  terraCot.detail.number = function (value, unit) {
    if (!["%", "m", "m2", "px"].includes(unit)) return number.call(this, value, unit);
    const text = value.toLocaleString("en", { maximumFractionDigits: this.digits });
    return unit === "m2" ? `${text} m²` : `${text} ${unit}`;
  };

  terraCot.question = {
    /** Show a row. The masks of `sample` are those of the draft, else of the saved review. */
    show(row, sample, actions) {
      const { detail, stage, brush, data } = terraCot, listed = data.rows[row], facets = data.meta.facets;
      const original = sample.masks.map((mask) => mask.counts), now = sample.draft || sample.review;
      ((now && now.masks) || []).forEach((counts, at) => { if (counts) sample.masks[at].counts = counts; });
      document.body.classList.remove("editing");
      // One digit more than the options have: enough to see which is nearest.
      const digits = Math.max(0, ...(sample.options || []).map((option) => (option.match(/\d\.(\d+)/) || ["", ""])[1].length)) + 1;
      detail.digits = Math.min(digits, 6);
      Object.assign(detail, { sample, kept: [], parts: [] });
      const bar = make("div", "bar",
        button("‹", "Question before", "k", () => actions.move(-1)), button("›", "Next question", "j", () => actions.move(1)),
        (this.where = make("span", "where")), make("span", "tags", facets.slice(1, 4).map((facet, at) => facet.words[listed.facets[at + 1][0]]).join(" · ")));
      const options = detail.options(sample.options || [], sample.answer), place_ = make("div", "stage");
      options.querySelectorAll("li").forEach((item, at) => item.prepend(make("span", "letter", `${"ABCDEFGHIJ"[at]} `)));
      const ask = make("div", "ask", make("h2", "question", make("bdi", "", sample.question)), options);
      this.evidence = make("div", "", detail.evidence());
      const text = make("div", "text", this.evidence), look = make("div", "look", this.toolbar(), place_, detail.legend());
      const body = make("div", "body", look, text);
      detail.box.replaceChildren(bar, ask, body, this.origin(sample));
      this.place(row);
      detail.box.scrollTop = 0;
      const lights = (masks, act) => { if (!brush.on) act.call(detail, masks.slice(0, 1)); };
      brush.on = this.told = false;
      stage.build(place_, sample, (masks) => lights(masks, detail.light), (masks) => lights(masks, detail.keep));
      brush.build(sample, original, () => { this.tools(); actions.changed(); });
      detail.arrange(look, body);
      this.tools();
      this.measured(sample.measured);
    },

    /** The place of a row among those that are filtered. */
    place(row) {
      const { kept } = terraCot.filter, at = kept.indexOf(row), number = (value) => value.toLocaleString("en");
      if (this.where) this.where.textContent = at < 0 ? "not among those filtered" : `${number(at + 1)} of ${number(kept.length)}`;
    },

    /** What the repaired masks come to: their evidence, and whether the answer follows. */
    measured(found) {
      const { detail } = terraCot;
      if (!found && !this.told) return;
      this.told = Boolean(found);
      const parts = detail.parts.filter(([element]) => !this.evidence.contains(element)), { sample } = detail;
      detail.parts = parts;
      const evidence = sample.evidence;
      if (found && found.evidence) sample.evidence = found.evidence;
      this.evidence.replaceChildren(detail.evidence());
      sample.evidence = evidence;
      if (!found) return;
      this.evidence.querySelector("h3").textContent = "Evidence on the repaired masks";
      this.evidence.append(make("p", found.problem ? "verdict bad" : "verdict", found.problem || "The answer follows from the repaired masks."));
    },

    toolbar() {
      const { brush } = terraCot;
      this.repair = button("Repair masks", "Repair masks", "e", () => brush.turn(!brush.on));
      this.pen = button("Brush", "Brush", "b", () => brush.tool(false));
      this.rubber = button("Eraser", "Eraser", "x", () => brush.tool(true));
      this.less = button("−", "Smaller", "-", () => brush.grow(-1));
      this.more = button("+", "Larger", "+", () => brush.grow(1));
      this.width = make("span", "width");
      this.back = button("Undo", "Undo", "u", () => brush.undo());
      this.again = button("Redo", "Redo", "r", () => brush.redo());
      this.reset = button("Undo all repairs", "All masks as they were", "", () => brush.use(brush.original.map(() => null)));
      this.reset.title = "All masks as they were";
      this.which = make("div", "which");
      this.changed_ = make("span", "repaired", "repaired");
      this.pens = make("div", "pens", this.which, make("div", "pair", this.pen, this.rubber), make("div", "pair", this.less, this.width, this.more), make("div", "pair", this.back, this.again, this.reset));
      return make("div", "tools", this.repair, this.changed_, this.pens);
    },

    /** The tools as they stand. */
    tools() {
      const { brush, detail } = terraCot, { masks } = brush.sample;
      this.repair.hidden = !masks.length;
      this.repair.textContent = brush.on ? "Done" : "Repair masks";
      this.repair.setAttribute("aria-pressed", String(brush.on));
      this.changed_.hidden = !brush.repairs();
      this.pens.hidden = !brush.on;
      this.pen.setAttribute("aria-pressed", String(!brush.erase));
      this.rubber.setAttribute("aria-pressed", String(brush.erase));
      this.width.textContent = `${brush.size} px`;
      this.back.disabled = !brush.done.length;
      this.again.disabled = !brush.undone.length;
      this.reset.disabled = !brush.repairs();
      this.which.replaceChildren(...masks.map((mask, number) => {
        const choose = make("button", "", detail.chip(number), ` ${mask.label}`);
        choose.type = "button";
        choose.setAttribute("aria-pressed", String(number === brush.mask));
        choose.addEventListener("click", () => brush.choose(number));
        return choose;
      }));
    },

    origin(sample) {
      const { tile } = sample, list = make("dl", "");
      const facts = {
        Question: sample.question_id, Tile: tile.tile_id, Source: `${tile.source}: ${tile.source_id}`, Licence: tile.licence,
        Size: `${tile.width} × ${tile.height} px${tile.gsd_m == null ? "" : ` of ${tile.gsd_m} m`}`, Legend: tile.legend || "none", Split: tile.split,
      };
      for (const [name, value] of Object.entries(facts)) list.append(make("dt", "", name), make("dd", "", make("bdi", "", value == null ? "not known" : value)));
      return make("details", "origin", make("summary", "", "Where it comes from"), list);
    },
  };
}
