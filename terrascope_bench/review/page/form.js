// The form holds what an expert says of one question; every change goes to the server as a draft, one at a time.
"use strict";

{
  const ASKS = {
    mask: ["Masks", "Do they cover what they name?"],
    answer: ["Answer", "Is the marked option right?"],
    distractors: ["Distractors", "Are the others wrong, and near enough to make one look?"],
    clarity: ["Clarity", "Is there one way to read it?"],
  };
  const AGAIN_MS = 3000, LATE_MS = 5000;
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };

  terraCot.form = {
    row: -1,
    waiting: new Map(), // row -> draft that the server does not have yet
    saving: null, // the row whose review is on its way
    trouble: "", // why the server does not have them

    build(onSave, onState) {
      this.box = document.getElementById("form");
      this.onSave = onSave;
      this.onState = onState;
      window.addEventListener("pagehide", () => {
        for (const [row, body] of this.waiting) terraCot.data.keep("draft", row, body, true).catch(() => {});
      });
      window.addEventListener("beforeunload", (event) => {
        // More than a page may leave behind it, or no server to leave it with: ask, so that nothing is lost without a word.
        if (this.trouble || this.saving !== null || JSON.stringify([...this.waiting]).length >= 60000) event.preventDefault();
      });
    },

    clear() {
      this.row = -1;
      this.box.replaceChildren();
    },

    /** Take up the review of a row: the draft, else what was saved, else nothing. */
    show(row, sample) {
      const { checks, grades, max_comment: most } = terraCot.data.told, now = sample.draft || sample.review;
      this.row = row;
      this.sample = sample;
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
      this.box.replaceChildren(make("h2", "", "Your review"), ...lines, label, make("div", "buttons", this.save, this.drop), this.status, this.others(sample));
      this.box.scrollTop = 0;
      const open = this.checks.findIndex((check) => !this.grades[check]);
      this.mark(open < 0 ? 0 : open);
      this.draw();
      this.say(sample.draft ? "Draft, not saved yet." : sample.review ? "Saved." : "");
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
        button.addEventListener("click", () => { this.mark(place); this.grade(grade); });
        bar.append(button);
        return button;
      }));
      line.addEventListener("pointerdown", () => this.mark(place));
      line.append(bar);
      return line;
    },

    mark(place) {
      this.at = Math.max(0, Math.min(this.checks.length - 1, place));
      this.box.querySelectorAll(".check").forEach((line, number) => {
        line.classList.toggle("marked", number === this.at);
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
      const many = this.waiting.size + (this.saving !== null), box = document.getElementById("unkept");
      this.trouble = many ? trouble : "";
      const text = this.trouble && `Not kept: what you said of ${many === 1 ? "one question" : `${many} questions`}. ${trouble} It is tried again; leave this page open.`;
      box.hidden = !text;
      if (box.textContent !== text) box.textContent = text; // it is read out when it changes
      if (!this.trouble) return;
      if (this.row === this.saving) this.say(`Not saved yet. ${trouble}`, true);
      else if (this.waiting.has(this.row)) this.say(`Not saved, and the draft is not kept. ${trouble}`, true);
    },

    /** Warn if no answer comes; an answer clears the timer. */
    late() { return setTimeout(() => this.warn("The server has not answered yet."), LATE_MS); },

    /** Something was changed: the draft goes to the server, after those that are on their way. */
    changed() {
      this.waiting.set(this.row, this.body());
      this.say("Keeping the draft…");
      this.warn();
      this.send();
    },

    /** A review was not saved: it waits as a draft, to be sent as soon as there is a server. */
    unsaved(row, body, error) {
      this.saving = null;
      this.waiting.set(row, body);
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
      while (this.waiting.size) {
        const [row, body] = this.waiting.entries().next().value, late = this.late();
        try {
          const told = await terraCot.data.keep("draft", row, body);
          if (this.waiting.get(row) === body) this.waiting.delete(row);
          this.warn();
          this.onState(row);
          if (this.row !== row || this.waiting.has(row)) continue;
          this.say("Draft kept, not saved yet.");
          terraCot.question.measured(told.measured);
        } catch (error) {
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
      this.waiting.delete(this.row);
      this.warn();
      await this.settled();
      try {
        await terraCot.data.keep("draft", this.row, null);
        this.onState(this.row, true);
      } catch (error) {
        this.say(`The draft is not discarded. ${error.message}`, true);
      }
    },

    /** What the others say, once all have spoken. */
    others(sample) {
      const box = make("section", "others");
      if (!sample.others.length) {
        if (sample.review && terraCot.data.state(this.row) === 2) box.append(make("p", "soft", "Others have not reviewed it yet. You will see their word when all have."));
        return box;
      }
      box.append(make("h3", "", terraCot.data.told.states[sample.state] === "kept" ? "All agree" : "The others say"));
      for (const other of sample.others) {
        const list = make("dl", "");
        for (const check of this.checks) {
          const grade = other.grades[check] || "none";
          list.append(make("dt", "", ASKS[check][0]), make("dd", `grade ${grade}`, grade));
        }
        const one = make("div", "other", make("h4", "", make("bdi", "", other.reviewer)), list);
        if (other.comment) one.append(make("p", "said", make("bdi", "", other.comment)));
        if (sample.masks.length && JSON.stringify(other.masks) !== JSON.stringify(sample.review && sample.review.masks)) {
          const use = make("button", "", other.masks ? "Use these repaired masks" : "Use the masks as they were");
          use.type = "button";
          use.addEventListener("click", () => terraCot.brush.use(other.masks || sample.masks.map(() => null)));
          one.append(use);
        }
        box.append(one);
      }
      if (sample.state === 3) box.append(make("p", "soft", "It stays only if all grade every check high and mean the same masks. You may change your review; agreement is measured on the first."));
      return box;
    },
  };
}
