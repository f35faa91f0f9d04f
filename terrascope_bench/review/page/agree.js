// Two words on one question, side by side: what the other experts say, and what one said oneself in another tab.
"use strict";

{
  const NAMES = { mask: "Masks", answer: "Answer", distractors: "Distractors", clarity: "Clarity" };
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };
  const button = (text, onClick) => {
    const element = make("button", "", text);
    element.type = "button";
    element.addEventListener("click", onClick);
    return element;
  };
  const grades = (word, checks) => {
    const list = make("dl", "");
    for (const check of checks) {
      const grade = word.grades[check] || "none";
      list.append(make("dt", "", NAMES[check]), make("dd", `grade ${grade}`, grade));
    }
    return list;
  };
  /** Which masks a word repairs, by their numbers. */
  const repaired = (word) => {
    const numbers = ((word && word.masks) || []).flatMap((counts, at) => (counts ? [at + 1] : []));
    return `${numbers.length > 1 ? "masks" : "mask"} ${numbers.join(", ")}`;
  };
  const alike = (one, other) => JSON.stringify((one && one.masks) || null) === JSON.stringify((other && other.masks) || null);

  terraCot.agree = {
    /** Why a question on which all have spoken is not kept yet. */
    why(sample) {
      const measured = {
        mask_empty: "a repaired mask is empty", not_measurable: "a fact cannot be measured on the repaired masks",
        answer_does_not_follow: "the marked answer does not follow from the repaired masks",
      };
      if (sample.reason === "not_high") return "Not every grade is high.";
      if (sample.reason === "masks_differ") return "All grades are high, but the masks differ.";
      return sample.reason in measured ? `All agree, but the question is dropped: ${measured[sample.reason]}.` : "";
    },

    /** What the others say, once all have spoken. */
    others(sample, checks) {
      const box = make("section", "others");
      if (!sample.others.length) {
        if (sample.review && terraCot.data.state(terraCot.form.row) === 2) box.append(make("p", "soft", "Others have not reviewed it yet. You will see what they say when all have."));
        return box;
      }
      const settle = sample.state !== 4;
      box.append(make("h2", "", settle ? "The others say" : "All agree"));
      if (settle && this.why(sample)) box.append(make("p", "why", this.why(sample)));
      for (const other of sample.others) {
        const one = make("div", "other", make("h4", "", make("bdi", "", other.reviewer)), grades(other, checks));
        if (other.comment) one.append(make("p", "said", make("bdi", "", other.comment)));
        if (other.masks) one.append(make("p", "repairs", make("bdi", "", other.reviewer), ` repaired ${repaired(other)}.`));
        if (sample.masks.length && !alike(other, sample.review)) {
          if (!other.masks) one.append(make("p", "repairs", `You repaired ${repaired(sample.review)}, `, make("bdi", "", other.reviewer), " did not."));
          one.append(button(other.masks ? "Use these repaired masks" : "Use the masks without repairs", () => terraCot.brush.use(other.masks || sample.masks.map(() => null))));
        }
        box.append(one);
      }
      if (sample.state === 3) box.append(make("p", "soft", "It is kept only if all grade every check high and mean the same masks. You may change your review; agreement is measured on the first. Enter goes on."));
      return box;
    },

    /** One's own word as the server has it, where it is not what stands here. */
    clash(now, checks, onMine, onTheirs) {
      const there = now.draft || now.review, box = make("section", "clash");
      box.setAttribute("role", "alert");
      box.append(make("h2", "", "Changed in another tab or browser"), make("p", "", "What you see below is not kept. The server has another version:"));
      if (!there) box.append(make("p", "soft", "nothing: it was discarded there."));
      else {
        box.append(grades(there, checks));
        if (there.comment) box.append(make("p", "said", make("bdi", "", there.comment)));
        box.append(make("p", "soft", `${now.draft ? "A draft" : "Saved"}${there.masks ? `, ${repaired(there)} repaired` : ""}.`));
      }
      box.append(make("div", "buttons", button("Keep the version below", onMine), button("Use the server's", onTheirs)));
      return box;
    },
  };
}
