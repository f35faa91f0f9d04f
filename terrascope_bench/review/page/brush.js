// Repair: brush and eraser change the pixels of one mask at a time; a stroke is one step of undo.
"use strict";

{
  const SIZES = [1, 2, 3, 5, 7, 9, 13, 17, 25, 35, 51, 75, 101];

  terraCot.brush = {
    on: false,
    erase: false,
    size: 9, // px of the image, across
    mask: 0,

    /** Take up a question that the stage shows; `onChange` is called after each stroke, undo and redo. */
    build(sample, original, onChange) {
      Object.assign(this, { sample, original, onChange, on: false, mask: 0, done: [], undone: [], stroke: null });
      for (const panel of terraCot.stage.panels) this.listen(panel);
    },

    /** Masks that are not as they were, null where they are; null where none is. */
    repairs() {
      const found = this.sample.masks.map((mask, at) => (mask.counts === this.original[at] ? null : mask.counts));
      return found.some(Boolean) ? found : null;
    },

    turn(on) {
      if (on && !this.sample.masks.length) return;
      this.on = on;
      document.body.classList.toggle("editing", on);
      if (on) {
        if (terraCot.stage.style === "none") terraCot.stage.turnStyle();
        this.choose(this.mask);
        this.reach();
      } else {
        this.undate();
        terraCot.stage.draw();
      }
      this.tell();
    },

    /** Bring the whole image into view: one cannot paint what is below the edge. */
    reach() {
      const { box } = terraCot.detail, look = box.querySelector(".look"), view = box.getBoundingClientRect();
      const grid = terraCot.stage.grid.getBoundingClientRect(), bar = box.querySelector(".bar").offsetHeight;
      const below = grid.bottom + 4 - Math.min(view.bottom, window.innerHeight), room = look.getBoundingClientRect().top - view.top - bar;
      if (below > 0) box.scrollTop += Math.max(0, Math.min(below, room));
    },

    choose(mask) {
      this.mask = mask;
      const stage = terraCot.stage;
      if (stage.dates.length > 1) stage.date(this.sample.masks[mask].frame);
      stage.draw();
      this.tell();
    },

    undate() {
      const stage = terraCot.stage;
      if (stage.dates.length > 1 && stage.dates.length <= 4) stage.date("all");
    },

    next() { this.choose((this.mask + 1) % this.sample.masks.length); },

    grow(step) {
      const at = SIZES.findIndex((size) => size >= this.size);
      this.size = SIZES[Math.max(0, Math.min(SIZES.length - 1, at + step))];
      this.tell();
    },

    tool(erase) { this.erase = erase; this.tell(); },

    undo() { this.step(this.done, this.undone); },

    redo() { this.step(this.undone, this.done); },

    step(from, to) {
      const last = from.pop();
      if (!last) return;
      to.push([last[0], this.sample.masks[last[0]].counts]);
      this.put(last[0], last[1]);
      if (this.on) this.choose(last[0]);
      this.onChange();
    },

    /** Give mask `number` other pixels. */
    put(number, counts) {
      this.sample.masks[number].counts = counts;
      terraCot.stage.cache.delete(number);
    },

    /** Give all masks other pixels, as one step a mask. */
    use(repairs) {
      repairs.forEach((counts, number) => {
        const wanted = counts || this.original[number], now = this.sample.masks[number].counts;
        if (wanted === now) return;
        this.done.push([number, now]);
        this.put(number, wanted);
      });
      this.undone = [];
      terraCot.stage.draw();
      this.onChange();
    },

    tell() { terraCot.question.tools(); },

    /** The mask that is repaired, alone, and the image under it not dimmed. */
    draw() {
      const { frame } = this.sample.masks[this.mask];
      for (const { entry, figure, canvas } of terraCot.stage.panels) {
        figure.classList.remove("lit", "quiet");
        terraCot.stage.paint(canvas, entry.frame === frame ? [this.mask] : [], false);
        terraCot.stage.number(canvas.parentElement, []); // a number would hide what is painted
      }
    },

    listen({ entry, canvas }) {
      const at = (event) => {
        const box = canvas.getBoundingClientRect(), [height, width] = [canvas.height, canvas.width];
        return [Math.floor(((event.clientY - box.top) / box.height) * height), Math.floor(((event.clientX - box.left) / box.width) * width)];
      };
      const mine = () => this.on && this.sample.masks[this.mask].frame === entry.frame;
      const ring = document.createElement("i");
      ring.className = "ring";
      ring.hidden = true;
      canvas.after(ring);
      const point = (event) => {
        ring.hidden = !mine();
        const box = canvas.getBoundingClientRect(), [row, column] = at(event), px = box.width / canvas.width;
        ring.style.width = ring.style.height = `${this.size * px}px`;
        ring.style.left = `${(column + 0.5 - this.size / 2) * px}px`;
        ring.style.top = `${(row + 0.5 - this.size / 2) * px}px`;
        ring.classList.toggle("erase", this.stroke ? !this.stroke.value : this.erase);
      };
      canvas.addEventListener("contextmenu", (event) => { if (this.on) event.preventDefault(); });
      canvas.addEventListener("pointerdown", (event) => {
        if (!mine() || this.stroke || (event.button !== 0 && event.button !== 2)) return;
        event.preventDefault();
        canvas.setPointerCapture(event.pointerId);
        const mask = this.sample.masks[this.mask];
        const erase = this.erase !== (event.button === 2);
        this.stroke = { canvas, value: erase ? 0 : 1, bits: terraCot.rle.decode(mask.size, mask.counts), from: at(event) };
        this.line(at(event));
        point(event);
      });
      canvas.addEventListener("pointermove", (event) => {
        point(event);
        if (!this.stroke || this.stroke.canvas !== canvas) return;
        const every = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
        for (const one of every.length ? every : [event]) this.line(at(one));
      });
      const end = () => { if (this.stroke && this.stroke.canvas === canvas) this.finish(); };
      canvas.addEventListener("pointerup", end);
      canvas.addEventListener("pointercancel", end);
      canvas.addEventListener("pointerleave", () => { ring.hidden = true; });
    },

    /** Discs along the way to a pixel, whose centres are one pixel apart at most. */
    line([row, column]) {
      const { from, bits, value } = this.stroke, [height, width] = this.sample.masks[this.mask].size;
      const steps = Math.max(Math.abs(row - from[0]), Math.abs(column - from[1]), 1), reach = this.size / 2;
      const whole = Math.floor(reach);
      for (let step = 0; step <= steps; step++) {
        const y = Math.round(from[0] + ((row - from[0]) * step) / steps), x = Math.round(from[1] + ((column - from[1]) * step) / steps);
        for (let down = -whole; down <= whole; down++) {
          for (let right = -whole; right <= whole; right++) {
            if (down * down + right * right > reach * reach || y + down < 0 || y + down >= height || x + right < 0 || x + right >= width) continue;
            bits[(y + down) * width + x + right] = value;
          }
        }
      }
      this.stroke.from = [row, column];
      if (!this.asked) requestAnimationFrame(() => { this.asked = false; this.show(); });
      this.asked = true;
    },

    /** Show a stroke while it is drawn. */
    show() {
      if (!this.stroke) return;
      const { size } = this.sample.masks[this.mask], thick = Math.max(1, Math.round(Math.max(...size) / 256));
      terraCot.stage.cache.set(this.mask, { zones: terraCot.rle.zones(this.stroke.bits, size, thick), area: 0 });
      this.draw();
    },

    finish() {
      const mask = this.sample.masks[this.mask], counts = terraCot.rle.encode(this.stroke.bits, mask.size);
      this.stroke = null;
      if (counts !== mask.counts) {
        this.done.push([this.mask, mask.counts]);
        this.undone = [];
        this.put(this.mask, counts);
      }
      terraCot.stage.cache.delete(this.mask);
      this.draw();
      this.tell();
      this.onChange();
    },
  };

  const draw = terraCot.stage.draw;
  terraCot.stage.draw = function () {
    if (terraCot.brush.on) terraCot.brush.draw();
    else draw.call(this);
  };
}
