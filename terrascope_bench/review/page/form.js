// The form holds what an expert says of one question; every change goes to the server as a draft, one at a time.
// Until the server has it, the browser holds it too (held.js), and nothing is written over what came from elsewhere.
"use strict";

{
  const ASKS = {
    mask: ["Masks", "Do they cover what they name?"],
    answer: ["Answer", "Is the marked option right?"],
    distractors: ["Distractors", "Are the other options wrong, but close enough to need a look at the image?"],
    clarity: ["Clarity", "Is there one way to read it?"],
  };
  const AGAIN_MS = 3000, LATE_MS = 5000, MARKS = 20;
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };

  terraCot.form = {
    row: -1,
    waiting: new Map(), // row -> draft that the server does not have yet
    stamps: new Map(), // row -> stamp of what the server has, as far as this page knows
    sent: new Map(), // row -> marks of what was sent from here: it is known again where its acknowledgement was lost
    clash: new Map(), // row -> what the server has from elsewhere, while something else waits here
    loose: new Set(), // rows that wait and for which the browser has no room
    restored: 0, // questions of which an earlier page left something
    saving: null, // the row whose review is on its way
    trouble: "", // why the server does not have them

    build(onSave, onState) {
      this.box = document.getElementById("form");
      this.onSave = onSave;
      this.onState = onState;
      window.addEventListener("pagehide", () => {
        for (const [row, body] of this.waiting) {
          if (!this.clash.has(row)) terraCot.data.keep("draft", row, body, this.stamps.get(row), true).catch(() => {});
        }
      });
      window.addEventListener("beforeunload", (event) => {
        // What the browser holds comes back with the page; the rest would be lost: ask.
        if (this.loose.size) event.preventDefault();
      });
    },

    clear() {
      this.row = -1;
      this.box.replaceChildren();
    },

    /** Take up what an earlier page could not send. */
    restore() {
      for (const [id, entry] of terraCot.held.all()) {
        const row = terraCot.data.numbers.get(id);
        if (row === undefined) continue;
        this.waiting.set(row, entry.body);
        this.stamps.set(row, entry.seen);
        this.sent.set(row, new Set(entry.sent));
        this.restored++;
      }
      if (this.restored) this.send();
    },

    /** Have the browser hold what waits of a row. */
    hold(row, body) {
      const sent = this.sent.get(row) || [];
      if (terraCot.held.keep(terraCot.data.rows[row].id, body, this.stamps.get(row), sent)) this.loose.delete(row);
      else this.loose.add(row);
    },

    /** Nothing waits of a row any more: `body` is with the server, or given up. */
    letGo(row, body) {
      this.waiting.delete(row);
      this.clash.delete(row);
      this.loose.delete(row);
      terraCot.held.drop(terraCot.data.rows[row].id, body);
    },

    /** `body` goes to the server now: should its answer be lost, it is known again by its mark. */
    sending_(row, body) {
      const marks = [...(this.sent.get(row) || []), terraCot.held.mark(body)];
      this.sent.set(row, new Set(marks.slice(-MARKS)));
      this.hold(row, this.waiting.get(row) || body);
    },

    /** The server has `body`, and its stamp is `told.stamp`. */
    acknowledged(row, body, told) {
      this.stamps.set(row, told.stamp);
      if (!this.waiting.has(row) || this.waiting.get(row) === body) this.letGo(row, body);
      else this.hold(row, this.waiting.get(row));
      terraCot.held.tell({ id: terraCot.data.rows[row].id, states: told.states || {} });
    },

    /** The server has something else than this page saw: what was sent from here, or a word from elsewhere. */
    elsewhere(row, now) {
      const { held, data } = terraCot, there = held.mark(now.draft || now.review), body = this.waiting.get(row);
      const mine = held.mark(body) === there;
      data.restate({ [data.rows[row].place]: now.state }, row);
      if (!mine && !(this.sent.get(row) || new Set()).has(there)) {
        this.clash.set(row, now);
        if (row === this.row) this.choose();
        return;
      }
      this.stamps.set(row, now.stamp);
      if (!mine) {
        this.hold(row, body);
        return;
      }
      this.letGo(row, body);
      this.onState(row, !now.draft);
      if (now.draft && row === this.row) this.say("Draft kept, not saved yet.");
    },

    /** Show both versions of the row that is looked at; the expert says which stays. */
    choose() {
      const row = this.row, now = this.clash.get(row), old = this.box.querySelector(".clash");
      if (old) old.remove();
      if (!now) return;
      this.box.prepend(terraCot.agree.clash(now, this.checks, () => {
        this.stamps.set(row, now.stamp);
        this.clash.delete(row);
        this.hold(row, this.waiting.get(row));
        this.choose();
        this.say("Keeping the draft…");
        this.warn();
        this.send();
      }, () => {
        this.letGo(row, this.waiting.get(row));
        this.warn();
        this.onState(row, true);
      }));
      this.box.scrollTop = 0;
    },

    /** Take up the review of a row: the draft, else what was saved, else nothing. */
    show(row, sample) {
      const { checks, grades, max_comment: most } = terraCot.data.told, now = sample.draft || sample.review;
      this.row = row;
      this.sample = sample;
      if (!this.waiting.has(row) && this.saving !== row) this.stamps.set(row, sample.stamp);
      this.checks = checks.filter((check) => check !== "mask" || sample.masks.length);
      this.grades = now ? { ...now.grades } : {};
      this.saved = Boolean(sample.review);
      this.buttons = new Map();
      const lines = this.checks.map((check, place) => this.check(check, place, grades));
      if (this.checks.length < checks.length) lines.unshift(make("p", "soft note", "The masks of this question are not known."));
      this.comment = make("textarea", "");
      this.comment.maxLength = most;
      this.comment.rows = 3;
      this.comment.dir = "auto";
      this.comment.value = now ? now.comment : "";
      this.comment.setAttribute("aria-keyshortcuts", "c");
      this.comment.addEventListener("input", () => this.changed());
      this.save = make("button", "save", "Save");
      this.save.type = "button";
      this.save.addEventListener("click", () => this.onSave());
      this.drop = make("button", "", "Discard draft");
      this.drop.type = "button";
      this.drop.addEventListener("click", () => this.discard());
      this.status = make("p", "status");
      this.status.setAttribute("role", "status");
      const label = make("label", "comment", make("span", "", "Comment"), this.comment);
      const others = terraCot.agree.others(sample, this.checks), whole = [make("h2", "", "Your review"), ...lines, label, make("div", "buttons", this.save, this.drop), this.status];
      // The word of the others is why one is here again: it comes first.
      this.box.replaceChildren(...(sample.others.length ? [others, ...whole] : [...whole, others]));
      this.choose();
      this.box.scrollTop = 0;
      const open = this.checks.findIndex((check) => !this.grades[check]);
      this.mark(open < 0 ? 0 : open, true);
      this.draw();
      this.say(sample.draft ? "Draft, not saved yet." : sample.review ? "Saved." : "");
      this.warn();
    },

    /** Whether the question is saved as it stands here. */
    unchanged() {
      const { held } = terraCot, { review, draft } = this.sample;
      return Boolean(review) && !draft && !this.waiting.has(this.row) && held.mark(this.body()) === held.mark(review);
    },

    check(check, place, grades) {
      const [title, asks] = ASKS[check], line = make("div", "check", make("p", "", make("b", "", title), " ", make("span", "soft", asks)));
      const bar = make("div", "grades");
      bar.setAttribute("role", "radiogroup");
      bar.setAttribute("aria-label", `${title}: ${asks}`);
      this.buttons.set(check, grades.map((grade) => {
        const button = make("button", grade, grade);
        button.type = "button";
        button.setAttribute("role", "radio");
        button.addEventListener("click", () => { this.mark(place, true); this.grade(grade); });
        bar.append(button);
        return button;
      }));
      line.addEventListener("pointerdown", () => this.mark(place, true));
      line.append(bar);
      return line;
    },

    mark(place, quiet) {
      this.at = Math.max(0, Math.min(this.checks.length - 1, place));
      this.box.querySelectorAll(".check").forEach((line, number) => {
        line.classList.toggle("marked", number === this.at);
        if (number === this.at && !quiet) line.scrollIntoView({ block: "nearest" });
        if (number === this.at) line.setAttribute("aria-current", "true");
        else line.removeAttribute("aria-current");
      });
    },

    /** Grade the marked check and mark the next. */
    grade(grade) {
      this.grades[this.checks[this.at]] = grade;
      this.mark(this.at + 1);
      this.draw();
      this.changed();
    },

    /** The marked check one grade lower or higher. */
    shift(step) {
      const { grades } = terraCot.data.told, check = this.checks[this.at], now = grades.indexOf(this.grades[check]);
      this.grades[check] = grades[now < 0 ? 1 : Math.max(0, Math.min(grades.length - 1, now + step))];
      this.draw();
      this.changed();
    },

    all(grade) {
      for (const check of this.checks) this.grades[check] = grade;
      this.draw();
      this.changed();
    },

    complete() { return this.checks.every((check) => this.grades[check]); },

    /** Mark the first check that is not graded, so that one sees why it cannot be saved. */
    missing() {
      this.mark(this.checks.findIndex((check) => !this.grades[check]));
      this.say("Grade every check first.", true);
    },

    draw() {
      const { grades } = terraCot.data.told;
      for (const [check, buttons] of this.buttons) {
        buttons.forEach((button, at) => {
          const chosen = this.grades[check] === grades[at];
          button.setAttribute("aria-checked", String(chosen));
          button.tabIndex = chosen || (!this.grades[check] && at === 0) ? 0 : -1;
        });
      }
      this.save.classList.toggle("ready", this.complete());
    },

    body() {
      const grades = Object.fromEntries(this.checks.map((check) => [check, this.grades[check] || null]));
      return { grades, comment: this.comment.value, masks: terraCot.brush.repairs() };
    },

    say(text, bad) {
      this.status.textContent = text;
      this.status.classList.toggle("bad", Boolean(bad));
      this.drop.hidden = terraCot.data.state(this.row) !== 1 && !this.waiting.has(this.row);
    },

    /** Above everything, for as long as it is so: the server does not have what was said. */
    warn(trouble = this.trouble) {
      const many = this.waiting.size - this.clash.size + (this.saving !== null && !this.waiting.has(this.saving)), box = document.getElementById("unkept");
      const questions = (number) => (number === 1 ? "one question" : `${number} questions`), texts = [];
      this.trouble = many ? trouble : "";
      if (this.trouble) {
        texts.push(`Not kept by the server: what you said of ${questions(many)}.`, this.trouble);
        texts.push(this.loose.size ? "This browser has no room to hold it: leave this page open; it is sent again until it is kept."
          : "This browser holds it and sends it again until it is kept.");
      }
      const apart = [...this.clash.keys()].filter((row) => row !== this.row);
      if (apart.length) texts.push(`Not kept, because it was changed in another tab or browser: ${questions(apart.length)}, such as ${terraCot.data.rows[apart[0]].id}. Go there and choose.`);
      const text = texts.join(" ");
      box.hidden = !text;
      if (box.textContent !== text) box.textContent = text; // it is read out when it changes
      if (this.restored && !this.waiting.size && this.saving === null) {
        const sent = document.getElementById("sent");
        sent.textContent = `What this browser held of ${questions(this.restored)} is kept by the server now.`;
        sent.hidden = false;
        this.restored = 0;
      }
      if (this.clash.has(this.row)) this.say("Not kept: choose above which version stays.", true);
      if (!this.trouble) return;
      if (this.row === this.saving) this.say(`Not saved yet. ${trouble}`, true);
      else if (this.waiting.has(this.row) && !this.clash.has(this.row)) this.say(`Not saved, and the draft is not kept. ${trouble}`, true);
    },

    /** Warn if no answer comes; an answer clears the timer. */
    late() { return setTimeout(() => this.warn("The server has not answered yet."), LATE_MS); },

    /** Something was changed: the draft goes to the server, after those that are on their way. */
    changed() {
      const body = this.body();
      this.waiting.set(this.row, body);
      this.hold(this.row, body);
      document.getElementById("sent").hidden = true;
      this.say("Keeping the draft…");
      this.warn();
      this.send();
    },

    /** A review was not saved: it waits as a draft, to be sent as soon as there is a server. */
    unsaved(row, body, error) {
      this.saving = null;
      this.waiting.set(row, body);
      if (error.now) {
        this.elsewhere(row, error.now);
        this.warn();
        this.send();
        return;
      }
      this.warn(error.message);
      this.later();
    },

    later() {
      clearTimeout(this.again);
      this.again = setTimeout(() => this.send(), AGAIN_MS);
    },

    send() {
      clearTimeout(this.again);
      this.sending ||= this.sendAll().finally(() => { this.sending = null; });
    },

    async sendAll() {
      const first = () => [...this.waiting].find(([row]) => !this.clash.has(row));
      for (let next = first(); next; next = first()) {
        const [row, body] = next, late = this.late();
        try {
          this.sending_(row, body);
          const told = await terraCot.data.keep("draft", row, body, this.stamps.get(row));
          this.acknowledged(row, body, told);
          this.warn();
          this.onState(row);
          if (this.row !== row || this.waiting.has(row)) continue;
          this.say("Draft kept, not saved yet.");
          terraCot.question.measured(told.measured);
        } catch (error) {
          if (error.now && this.waiting.has(row)) {
            this.elsewhere(row, error.now);
            this.warn();
            continue;
          }
          // To the end of those that wait: one that is refused keeps no other back.
          const newest = this.waiting.get(row);
          if (this.waiting.delete(row)) this.waiting.set(row, newest);
          this.warn(error.message);
          this.later();
          return;
        } finally {
          clearTimeout(late);
        }
      }
      this.warn();
    },

    /** Resolves when no draft is on its way. */
    async settled() {
      while (this.sending) await this.sending;
    },

    async discard() {
      const row = this.row, known = this.clash.get(row);
      if (known) this.stamps.set(row, known.stamp); // both were seen
      this.letGo(row, this.waiting.get(row));
      this.choose();
      this.warn();
      await this.settled();
      try {
        const told = await terraCot.data.keep("draft", row, null, this.stamps.get(row));
        this.acknowledged(row, null, told);
        this.onState(row, true);
      } catch (error) {
        if (error.now) this.onState(row, true);
        this.say(`The draft is not discarded. ${error.message}`, true);
      }
    },
  };
}
