// The stage shows the frames of a sample with their masks: what is lit is filled and the rest of its frame dimmed.
"use strict";

terraCot.stage = {
  STYLES: ["fill", "outline", "none"],
  style: "fill",

  /** Build the stage of `sample` in `place`; `onPoint(masks)` is told which masks the pointer is on. */
  build(place, sample, onPoint, onPick) {
    this.sample = sample;
    this.lit = new Set();
    this.cache = new Map();
    this.dates = [...new Set(sample.frames.map((entry) => entry.frame))];
    this.place = place;
    this.panels = sample.frames.map((entry) => this.panel(entry, onPoint, onPick));
    this.grid = document.createElement("div");
    this.grid.className = "panels";
    this.grid.append(...this.panels.map((panel) => panel.figure));
    place.replaceChildren(...(this.dates.length > 1 ? [this.switcher()] : []), this.grid);
    // A date is a column; where they do not all fit, one is shown at a time.
    const most = window.matchMedia("(max-width: 860px)").matches ? 2 : 4;
    this.date(this.dates.length > most ? (sample.masks[0] || sample.frames[0]).frame : "all");
    this.draw();
  },

  panel(entry, onPoint, onPick) {
    const figure = document.createElement("figure"), frame = document.createElement("div");
    const canvas = document.createElement("canvas"), caption = document.createElement("figcaption");
    const { width, height } = this.sample.tile, name = `${entry.frame} ${entry.modality}`;
    canvas.width = width;
    canvas.height = height;
    canvas.setAttribute("role", "img");
    frame.className = "frame";
    frame.style.aspectRatio = `${width} / ${height}`;
    if (entry.picture) {
      const image = new Image(width, height);
      image.src = entry.picture;
      image.alt = `${name} image`;
      frame.append(image);
    } else {
      const none = document.createElement("p");
      none.className = "message";
      none.textContent = "The tile has no such image.";
      frame.append(none);
    }
    frame.append(canvas);
    caption.append(this.strong(this.title(entry)), " ", this.about(entry));
    figure.append(frame, caption);
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * width);
      const row = Math.floor(((event.clientY - box.top) / box.height) * height);
      return this.under(entry.frame, row, column);
    };
    canvas.addEventListener("pointermove", (event) => onPoint(at(event)));
    canvas.addEventListener("pointerleave", () => onPoint([]));
    canvas.addEventListener("click", (event) => onPick(at(event)));
    return { entry, figure, canvas };
  },

  strong(text) {
    const element = document.createElement("b");
    element.textContent = text;
    return element;
  },

  title(entry) {
    const name = { optical: "Optical", sar: "SAR" }[entry.modality] || entry.modality;
    return this.dates.length > 1 ? `${entry.frame} ${name}` : name;
  },

  about(entry) {
    const facts = [], percent = (share) => (100 * share).toFixed(0);
    if (entry.datetime) facts.push(entry.datetime.slice(0, 10));
    if (entry.cloud_fraction != null) facts.push(`${percent(entry.cloud_fraction)} % cloud`);
    if (percent(entry.nodata_fraction || 0) !== "0") facts.push(`${percent(entry.nodata_fraction)} % no data`);
    if (entry.shift_status === "refused") facts.push("not aligned");
    return facts.join(" · ");
  },

  /** Buttons of the dates, and one for all of them together. */
  switcher() {
    const bar = document.createElement("div");
    bar.className = "dates";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Date");
    this.buttons = ["all", ...this.dates].map((name) => {
      const button = document.createElement("button"), entry = this.sample.frames.find((one) => one.frame === name);
      button.type = "button";
      button.textContent = entry ? `${name}${entry.datetime ? ` ${entry.datetime.slice(0, 10)}` : ""}` : "all dates";
      button.addEventListener("click", () => this.date(name));
      button.name_ = name;
      bar.append(button);
      return button;
    });
    return bar;
  },

  /** Show the images of one date, or of all. */
  date(name) {
    this.current = name;
    const shown = this.panels.filter((panel) => name === "all" || panel.entry.frame === name);
    const columns = name === "all" && this.dates.length > 1 ? this.dates : null;
    // A sensor is a row, unless every date has but one.
    const sensors = [...new Set(shown.map((panel) => panel.entry.modality))];
    const rows = columns && shown.length > columns.length ? sensors : [];
    for (const panel of this.panels) {
      const { frame, modality } = panel.entry;
      panel.figure.hidden = !shown.includes(panel);
      const row = Math.max(0, rows.indexOf(modality)) + 1;
      panel.figure.style.gridArea = columns ? `${row} / ${columns.indexOf(frame) + 1}` : "";
    }
    this.grid.dataset.columns = Math.min(columns ? columns.length : shown.length, 4);
    this.grid.dataset.rows = Math.max(1, rows.length);
    this.grid.style.setProperty("--columns", columns ? columns.length : shown.length);
    if (this.dates.length > 1) {
      for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.name_ === name));
    }
  },

  /** The date `step` places on from the one shown. */
  turn(step) {
    if (this.dates.length < 2) return;
    const at = this.dates.indexOf(this.current), from = at < 0 ? (step > 0 ? -1 : 0) : at;
    this.date(this.dates[(from + step + this.dates.length) % this.dates.length]);
  },

  zones(number) {
    if (!this.cache.has(number)) {
      const { size, counts } = this.sample.masks[number], thick = Math.max(1, Math.round(Math.max(...size) / 256));
      const inside = terraCot.rle.decode(size, counts);
      this.cache.set(number, { zones: terraCot.rle.zones(inside, size, thick), area: inside.reduce((a, b) => a + b, 0) });
    }
    return this.cache.get(number);
  },

  /** Where the number of a mask stands: well inside it, [row, column, distance to the border]; null where it is empty. */
  spot(number) {
    const known = this.zones(number), { size, counts } = this.sample.masks[number];
    if (known.spot === undefined) known.spot = terraCot.rle.deepest(terraCot.rle.decode(size, counts), size);
    return known.spot;
  },

  /** Numbers on the masks that are drawn in a panel: colours alone are not told apart by everyone. */
  number(frame, masks) {
    for (const old of frame.querySelectorAll(".mark")) old.remove();
    const placed = [];
    for (const number of masks) {
      const { size } = this.sample.masks[number], spot = this.spot(number);
      if (!spot) continue;
      const held = (share) => Math.max(0.04, Math.min(0.96, share));
      let left = held((spot[1] + 0.5) / size[1]);
      const top = held((spot[0] + 0.5) / size[0]);
      while (placed.some(([x, y]) => Math.abs(x - left) < 0.05 && Math.abs(y - top) < 0.05) && left < 0.95) left = held(left + 0.06);
      placed.push([left, top]);
      const mark = terraCot.detail.chip(number);
      mark.classList.add("mark");
      mark.classList.toggle("above", spot[2] < 0.03 * Math.max(...size)); // it would hide what it names
      mark.setAttribute("aria-hidden", "true");
      mark.style.left = `${100 * left}%`;
      mark.style.top = `${100 * top}%`;
      frame.append(mark);
    }
  },

  /** Masks of `frame` at a pixel, the smallest first. */
  under(frame, row, column) {
    const found = [];
    this.sample.masks.forEach((mask, number) => {
      if (mask.frame !== frame || this.style === "none") return;
      const { zones, area } = this.zones(number), value = zones[row * mask.size[1] + column];
      if (value === 1 || value === 2) found.push([area, number]);
    });
    return found.sort((a, b) => a[0] - b[0]).map((pair) => pair[1]);
  },

  /** Light these masks, on a date that shows them; none puts out all. */
  light(masks) {
    this.lit = new Set(masks);
    const dates = new Set(masks.map((number) => this.sample.masks[number].frame));
    if (dates.size && this.current !== "all" && !dates.has(this.current)) this.date([...dates][0]);
    this.draw();
  },

  turnStyle() {
    this.style = this.STYLES[(this.STYLES.indexOf(this.style) + 1) % this.STYLES.length];
    this.draw();
    return this.style;
  },

  draw() {
    for (const { entry, figure, canvas } of this.panels) {
      const own = this.sample.masks.map((mask, number) => number).filter((n) => this.sample.masks[n].frame === entry.frame);
      const lit = own.filter((number) => this.lit.has(number));
      figure.classList.toggle("lit", lit.length > 0);
      figure.classList.toggle("quiet", this.lit.size > 0 && lit.length === 0);
      const names = (lit.length ? lit : own).map((number) => this.sample.masks[number].label);
      canvas.setAttribute("aria-label", `${entry.frame} ${entry.modality}: ${names.join(", ") || "no mask"}${lit.length ? " lit" : ""}`);
      this.paint(canvas, lit.length ? lit : own, lit.length > 0);
      this.number(canvas.parentElement, lit.length ? lit : this.style === "none" ? [] : own);
    }
  },

  paint(canvas, masks, lit) {
    const { width, height } = canvas, context = canvas.getContext("2d", { willReadFrequently: true }); // pixels are only put
    const image = context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    if (lit) pixels.fill(rgba([0, 0, 0], 150));
    const fill = lit ? 88 : this.style === "fill" ? 52 : 0;
    for (const number of lit || this.style !== "none" ? masks : []) {
      const mask = this.sample.masks[number];
      if (mask.size[0] !== height || mask.size[1] !== width) continue;
      const { zones } = this.zones(number);
      const colors = [0, rgba(mask.color, fill), rgba(mask.color, 255), rgba([0, 0, 0], 170)];
      for (let at = 0; at < pixels.length; at++) {
        const zone = zones[at];
        if (zone === 2 || (zone === 1 && fill) || (zone === 3 && pixels[at] >>> 24 !== 255)) pixels[at] = colors[zone];
      }
    }
    context.putImageData(image, 0, 0);
  },
};

/** A pixel of ImageData as one little-endian number. */
function rgba([red, green, blue], alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
