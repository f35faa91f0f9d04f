// Keys work anywhere but where text is typed or a word is chosen; `?` lists them.
"use strict";

terraCot.keys = (actions) => {
  const held = []; // keys that were pressed while a question was saved or on its way
  const help = document.getElementById("help"), { brush, form, stage, filter } = terraCot;
  document.getElementById("help-open").addEventListener("click", () => help.showModal());
  // A button pressed by mouse does not hold on to Enter: that saves, as the form says.
  document.addEventListener("click", (event) => {
    const pressed = event.detail > 0 && event.target.closest("button");
    if (pressed && !help.open) pressed.blur();
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || help.open) return;
    // For a moment the focus is still on the button of the list of keys that was just closed.
    const target = help.contains(event.target) ? document.body : event.target;
    const key = event.key, typing = ["TEXTAREA", "INPUT", "SELECT"].includes(target.tagName);
    if (event.ctrlKey || event.metaKey) {
      const step = { z: event.shiftKey ? "redo" : "undo", Z: "redo", y: "redo" }[key];
      if (!step || typing || !actions.open()) return;
      brush[step]();
      event.preventDefault();
      return;
    }
    if (typing) {
      if (key === "Escape" || (target === filter.box && key === "Enter")) { target.blur(); event.preventDefault(); }
      return;
    }
    // A focused button is pressed by Enter and Space, as everywhere; but a grade is chosen by then, so Enter saves.
    if (target.tagName === "BUTTON" && (key === " " || (key === "Enter" && target.getAttribute("role") !== "radio"))) return;
    if (target.tagName === "SUMMARY" && (key === " " || key === "Enter")) return;
    if (event.repeat && key === "Enter") return;
    if (!known(key)) return;
    event.preventDefault();
    if (held.length || (actions.busy() && !(key in anywhere))) {
      // What follows a `c` is words, and there is no place for them yet.
      if (!held.includes("c")) held.push(key);
    } else press(key);
  });

  const graded = (key) => form.grade(terraCot.data.told.grades[Number(key) - 1]);
  const anywhere = {
    j: () => actions.move(1), k: () => actions.move(-1), n: () => actions.next(), a: () => actions.all(),
    "/": () => { filter.box.focus(); filter.box.select(); }, "?": () => help.showModal(),
  };
  const onQuestion = {
    1: graded, 2: graded, 3: graded, h: () => form.all("high"),
    ArrowDown: () => form.mark(form.at + 1), ArrowUp: () => form.mark(form.at - 1),
    ArrowLeft: () => form.shift(-1), ArrowRight: () => form.shift(1),
    Enter: () => actions.save(), c: () => form.comment.focus(), e: () => brush.turn(!brush.on),
    l: () => (brush.on ? brush.next() : actions.light()), m: () => stage.turnStyle(), "[": () => stage.turn(-1), "]": () => stage.turn(1),
    u: () => brush.undo(), r: () => brush.redo(), Escape: () => (brush.on ? brush.turn(false) : actions.release()),
  };
  const onRepair = {
    b: () => brush.tool(false), x: () => brush.tool(true), "-": () => brush.grow(-1), "+": () => brush.grow(1), "=": () => brush.grow(1),
  };
  const known = (key) => key in anywhere || key in onQuestion || key in onRepair;
  const press = (key) => {
    if (anywhere[key]) anywhere[key]();
    else if (!actions.open()) return;
    else if (onQuestion[key]) onQuestion[key](key);
    else if (brush.on) onRepair[key]();
  };

  /** A question is there, or will not come (`lost`): do what was pressed while it was on its way. */
  terraCot.keys.go = (lost) => {
    if (lost) held.length = 0;
    while (held.length && !actions.busy()) press(held.shift());
  };
};
