// The list holds as many elements as fit its window, whatever the number of samples; they are filled as it scrolls.
"use strict";

terraCot.list = {
  HEIGHT: 76, // px of a row, as in view.css
  MARGIN: 4, // rows drawn beyond each edge
  place: -1, // of the chosen row among those kept

  build(onChoose) {
    this.box = document.getElementById("list");
    this.sizer = document.getElementById("sizer");
    this.onChoose = onChoose;
    this.drawn = new Map();
    this.free = [];
    let asked = false;
    const later = () => {
      if (!asked) requestAnimationFrame(() => { asked = false; this.draw(); });
      asked = true;
    };
    const scrolled = () => {
      this.moving = true; // pictures wait until it stands still
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.moving = false; later(); }, 90);
      later();
    };
    this.box.addEventListener("scroll", scrolled, { passive: true });
    new ResizeObserver(later).observe(this.box);
    this.box.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) this.onChoose(terraCot.filter.kept[row.place], true);
    });
  },

  /** The rows kept have changed; `number` is the sample that is looked at. */
  refresh(number) {
    const kept = terraCot.filter.kept;
    this.sizer.style.height = `${kept.length * this.HEIGHT}px`;
    for (const row of this.drawn.values()) row.number = -1;
    this.place = kept.indexOf(number);
    this.draw();
  },

  /** Mark the row of sample `number` and bring it into view. */
  mark(number) {
    this.place = terraCot.filter.kept.indexOf(number);
    if (this.place >= 0) {
      const top = this.place * this.HEIGHT, height = this.box.clientHeight;
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      else if (top + this.HEIGHT > this.box.scrollTop + height) this.box.scrollTop = top + this.HEIGHT - height;
    }
    this.draw();
  },

  draw() {
    const kept = terraCot.filter.kept, top = this.box.scrollTop;
    const first = Math.max(0, Math.floor(top / this.HEIGHT) - this.MARGIN);
    const end = Math.min(kept.length, Math.ceil((top + this.box.clientHeight) / this.HEIGHT) + this.MARGIN);
    for (const [place, row] of this.drawn) {
      if (place < first || place >= end) {
        this.drawn.delete(place);
        this.free.push(row);
      }
    }
    for (let place = first; place < end; place++) {
      let row = this.drawn.get(place);
      if (!row) {
        row = this.free.pop() || this.element();
        row.place = place;
        row.style.transform = `translateY(${place * this.HEIGHT}px)`;
        row.setAttribute("aria-posinset", place + 1);
        this.drawn.set(place, row);
      }
      if (row.number !== kept[place]) this.fill(row, kept[place]);
      row.setAttribute("aria-setsize", kept.length);
      row.setAttribute("aria-selected", String(place === this.place));
      if (!this.moving && row.image.wanted !== row.image.getAttribute("src")) row.image.src = row.image.wanted;
    }
    for (const row of this.free) row.remove();
    this.free.length = 0;
    const marked = this.drawn.get(this.place);
    if (marked) this.box.setAttribute("aria-activedescendant", marked.id);
    else this.box.removeAttribute("aria-activedescendant");
  },

  element() {
    const row = document.createElement("div"), text = document.createElement("div");
    row.setAttribute("role", "option");
    row.className = "row";
    row.id = `row-${(this.made = (this.made || 0) + 1)}`;
    row.image = new Image(52, 52);
    row.image.alt = "";
    row.image.decoding = "async";
    row.title_ = document.createElement("p");
    row.tags = document.createElement("p");
    row.tags.className = "tags";
    text.append(row.title_, row.tags);
    row.append(row.image, text);
    this.sizer.append(row);
    return row;
  },

  fill(row, number) {
    const sample = terraCot.data.rows[number], { facets, colors } = terraCot.data.meta;
    const word = (facet) => facets[facet].words[sample.facets[facet][0]];
    row.number = number;
    row.title_.textContent = sample.question;
    row.image.wanted = sample.picture;
    if (row.image.getAttribute("src") !== sample.picture) row.image.removeAttribute("src");
    const dots = sample.facets[4].slice(0, 6).map((label) => {
      const dot = document.createElement("i");
      dot.className = "dot";
      dot.style.background = `rgb(${colors[label].join()})`;
      dot.title = facets[4].words[label];
      return dot;
    });
    const dates = sample.dates > 1 ? ` · ${sample.dates} dates` : "";
    const text = document.createElement("span");
    text.textContent = `${word(0)} · ${word(1)} · ${word(2)}${dates}`;
    row.tags.replaceChildren(text, ...dots);
  },
};
