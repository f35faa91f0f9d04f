// What is looked at: one question among those kept. Every way to get there (click, key, address) passes here.
"use strict";

(async () => {
  const { data, filter, list, detail, stage, brush, form, question, held } = terraCot;
  const NEWS_MS = 15000, TO_DO = (state) => state < 2, byId = (id) => document.getElementById(id);
  let current = -1, asked = 0, shown = -1, coming = false;
  detail.box = byId("detail");
  try {
    await data.start();
  } catch (error) {
    detail.message(error.message);
    return;
  }
  const { told } = data;
  document.title = `${told.reviewer} · ${told.name} · Review`; // two experts in one browser are told apart
  byId("title").textContent = `Review: ${told.name}`;

  const count = () => {
    const done = data.rows.filter((row) => row.facets[0][0] >= 2).length, all = data.rows.length;
    const settle = data.rows.filter((row) => row.facets[0][0] === 3).length;
    const number = (value) => value.toLocaleString("en");
    byId("how").replaceChildren(Object.assign(document.createElement("bdi"), { textContent: told.reviewer }),
      ` · ${number(done)} of ${number(all)} reviewed${settle ? ` · ${number(settle)} to settle` : ""}`);
    byId("bar").firstElementChild.style.width = `${all ? (100 * done) / all : 0}%`;
    byId("count").textContent = filter.active() ? `${number(filter.kept.length)} of ${number(all)} questions` : `${number(all)} questions`;
    byId("filters-toggle").classList.toggle("chosen", filter.chosen.some((word) => word >= 0));
  };

  const fill = list.fill;
  list.fill = function (row, number) {
    fill.call(this, row, number);
    row.dataset.state = told.states[data.state(number)];
  };

  /** States have changed: the list shows them; what is filtered stays until the filter is used again. */
  const restate = () => {
    list.refresh(current);
    count();
  };

  const saving = () => form.saving !== null;

  /** What is said while a question is saved or on its way would be said of the wrong one. */
  const rest = () => { form.box.inert = detail.box.inert = saving() || coming; };

  const look = async (row, fresh) => {
    const turn = ++asked;
    if (brush.stroke) brush.finish();
    current = row;
    shown = -1;
    coming = true;
    rest();
    list.mark(row);
    history.replaceState(null, "", `#${encodeURIComponent(data.rows[row].id)}`);
    try {
      await form.settled();
      const sample = structuredClone(await data.question(row, fresh));
      if (turn !== asked) return;
      if (form.waiting.has(row)) sample.draft = form.waiting.get(row); // the server does not have it yet
      question.show(row, sample, actions);
      form.show(row, detail.sample);
      shown = row;
      coming = false;
      rest();
      terraCot.keys.go();
      const after = filter.kept[filter.kept.indexOf(row) + 1];
      if (after !== undefined) data.question(after).then((next) => { for (const frame of next.frames) new Image().src = frame.picture; }, () => {});
    } catch (error) {
      if (turn !== asked) return;
      coming = false;
      rest();
      terraCot.keys.go(true);
      detail.message(error.message);
      form.clear();
    }
  };

  const none = (text) => {
    asked++;
    coming = false;
    rest();
    current = shown = -1;
    detail.message(text);
    form.clear();
  };

  const refilter = () => {
    filter.apply();
    list.box.scrollTop = 0;
    list.refresh(current);
    count();
    question.place(current);
    if (!filter.kept.length) none("No question has all of this. Press a for all questions.");
    else if (!filter.kept.includes(current)) look(filter.kept[0]);
  };

  const actions = {
    open: () => shown >= 0 && shown === current,
    busy: () => saving() || coming,
    move(step) {
      const { kept } = filter, place = kept.indexOf(current);
      const to = Math.max(0, Math.min(kept.length - 1, place + step));
      if (kept.length && to !== place) look(kept[to]);
    },
    /** The next question to do after this one, from the top again where there is none. */
    next() {
      const { kept } = filter, place = kept.indexOf(current);
      const open = [...kept.slice(place + 1), ...kept.slice(0, place + 1)].filter((row) => row !== current && TO_DO(data.state(row)));
      if (open.length) look(open[0]);
      else if (actions.open()) form.say(TO_DO(data.state(current)) ? "This is the last one to do." : actions.left());
    },
    /** What is left where no question is to do. */
    left() {
      const settle = filter.kept.filter((row) => data.state(row) === 3).length;
      return `Nothing is left to do here.${settle ? ` To settle: ${settle}; choose them under State.` : ""}`;
    },
    all() { filter.clear(); refilter(); },
    changed() { form.changed(); },
    async save() {
      if (saving() || !actions.open()) return;
      if (form.clash.has(current)) { form.warn(); return; }
      if (!form.complete()) { form.missing(); return; }
      if (form.unchanged()) { actions.next(); return; }
      // Who has read what the others say goes on; who has not, is shown it.
      const row = current, body = form.body(), late = form.late(), read = detail.sample.others.length > 0;
      form.saving = row;
      rest();
      form.waiting.delete(row);
      form.say("Saving…");
      try {
        form.hold(row, body);
        await form.settled();
        form.sending_(row, body);
        const told = await data.keep("review", row, body, form.stamps.get(row));
        clearTimeout(late);
        form.saving = null;
        form.acknowledged(row, body, told);
        form.warn();
        restate();
        if (row !== current) return;
        const stay = data.state(row) === 3 && !read;
        if (!stay) actions.next();
        if (row === current) await look(row, true);
        if (row !== current) return;
        if (stay) form.box.querySelector(".others").scrollIntoView({ block: "nearest" });
        form.say(stay ? "Saved. Enter goes on." : `Saved. ${actions.left()}`);
      } catch (error) {
        clearTimeout(late);
        form.unsaved(row, body, error);
        terraCot.keys.go(true);
      } finally {
        rest();
        terraCot.keys.go();
      }
    },
    light() {
      const { masks } = detail.sample, at = detail.kept.length ? detail.kept[0] + 1 : 0;
      if (masks.length) detail.keep(at < masks.length ? [at] : []);
    },
    release() { detail.keep([]); },
  };

  filter.build(refilter);
  list.build((row) => look(row));
  held.begin(told, ({ id, states }) => {
    const row = data.numbers.get(id);
    if (row === undefined) return;
    data.restate(states, row);
    restate();
    if (row !== current || saving() || coming || form.waiting.has(row) || brush.stroke) return;
    look(row, true).then(() => { if (row === current) form.say("Changed in another tab; this is what stands now."); });
  });
  form.build(actions.save, (row, again) => {
    restate();
    if (again && row === current) look(row, true);
  });
  terraCot.keys(actions);
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); form.box.focus(); });
  byId("filters-toggle").addEventListener("click", (event) => {
    event.target.setAttribute("aria-expanded", String(document.body.classList.toggle("filtering")));
  });
  setInterval(async () => {
    try {
      const rows = await data.news();
      if (!rows.length) return;
      restate();
      // What others have said is shown at once, unless one is at work on it.
      if (rows.includes(current) && data.state(current) > 2 && !form.waiting.has(current) && !brush.on) look(current, true);
    } catch { /* the next one may get through; what is done here says if it did not */ }
  }, NEWS_MS);

  filter.apply();
  form.restore();
  const wanted = () => { try { return data.numbers.get(decodeURIComponent(location.hash.slice(1))); } catch { return undefined; } };
  window.addEventListener("hashchange", () => { const row = wanted(); if (row !== undefined && row !== current) look(row); });
  list.refresh(-1);
  count();
  const first = wanted() ?? data.rows.findIndex((row) => TO_DO(row.facets[0][0]));
  if (data.rows.length) await look(first < 0 ? 0 : first);
  else none("No question was given to you.");
  document.body.dataset.ready = "yes";
})();
