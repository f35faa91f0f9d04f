// What is looked at: one sample among those kept. Every way to get there (click, key, address) passes here.
"use strict";

terraCot.start = () => {
  const { data, filter, list, detail, stage, address } = terraCot, meta = data.meta;
  let current = -1, asked = 0;
  detail.box = document.getElementById("detail");
  document.title = `${meta.name} · Terra-CoT`;
  document.getElementById("title").textContent = `Terra-CoT: ${meta.name}`;
  document.getElementById("how").textContent =
    meta.shown < meta.total ? `Shown: ${meta.how}.` : `All ${meta.total.toLocaleString("en")} samples.`;

  const count = () => {
    const found = filter.kept.length.toLocaleString("en"), all = data.rows.length.toLocaleString("en");
    document.getElementById("count").textContent =
      filter.active() ? `${found} of ${all} samples` : `${all} samples`;
    document.getElementById("filters-toggle").classList.toggle("chosen", filter.chosen.some((word) => word >= 0));
  };

  /** Look at row `number`; `open` shows it where list and sample do not fit side by side. */
  const look = async (number, open) => {
    const turn = ++asked;
    current = number;
    list.mark(number);
    address.write(data.rows[number].id);
    if (open) document.body.classList.add("open");
    try {
      const sample = await data.sample(number);
      if (turn !== asked) return;
      detail.show(number, sample, actions);
      data.sample(Math.min(number + 1, data.rows.length - 1)).catch(() => {});
    } catch (error) {
      if (turn !== asked) return;
      detail.message(error.message);
    }
  };

  const refilter = () => {
    filter.apply();
    list.box.scrollTop = 0;
    list.refresh(current);
    count();
    if (!filter.kept.length) {
      asked++;
      detail.message("No sample has all of this. Press x to clear search and filters.");
      current = -1;
    } else look(filter.kept.includes(current) ? current : filter.kept[0]);
  };

  const actions = {
    move(step) {
      const { kept } = filter;
      if (!kept.length) return;
      const place = kept.indexOf(current), to = Math.max(0, Math.min(kept.length - 1, place + step));
      if (to !== place) look(kept[to]);
    },
    open() { if (current >= 0) { look(current, true); detail.box.focus(); } },
    back() { document.body.classList.remove("open"); list.box.focus(); },
    keep(number) { if (current >= 0 && detail.sample && number < detail.sample.masks.length) detail.keep([number]); },
    release() { if (current >= 0 && detail.sample) detail.keep([]); },
    style() { if (current >= 0 && detail.sample) stage.turnStyle(); },
    clear() { filter.clear(); refilter(); },
    async copy() {
      if (current < 0) return;
      const link = address.link(data.rows[current].id);
      let done = "Copied";
      try { await navigator.clipboard.writeText(link); } catch { done = "Link is in the address bar"; address.write(data.rows[current].id); }
      detail.copy.textContent = done;
    },
  };

  const goTo = (found) => {
    filter.set(found.search, found.chosen);
    filter.apply();
    list.refresh(-1);
    count();
    const number = data.numbers.get(found.id);
    if (number !== undefined) look(number, true);
    else if (found.id) detail.message(`No sample ${found.id} here: ${meta.how}.`);
    else if (filter.kept.length) look(filter.kept[0]);
    else detail.message("No sample has all of this. Press x to clear search and filters.");
  };

  filter.build(refilter);
  list.build(look);
  terraCot.keys(actions);
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); actions.open(); });
  document.getElementById("filters-toggle").addEventListener("click", (event) => {
    const shown = document.body.classList.toggle("filtering");
    event.target.setAttribute("aria-expanded", String(shown));
  });
  window.addEventListener("hashchange", () => goTo(address.read()));

  const wanted = address.read();
  filter.set(wanted.search, wanted.chosen);
  data.list(() => {
    filter.apply();
    list.refresh(current);
    count();
    if (current < 0 && !wanted.id && filter.kept.length) look(filter.kept[0]);
  }).then(() => {
    if (wanted.id || current < 0) goTo(wanted);
    document.body.dataset.ready = "yes";
  }, (error) => detail.message(error.message));
};
