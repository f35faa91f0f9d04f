// Keys work anywhere but where text is typed or a word is chosen; `?` lists them.
"use strict";

terraCot.keys = (actions) => {
  const help = document.getElementById("help"), { brush, form, stage, filter } = terraCot;
  document.getElementById("help-open").addEventListener("click", () => help.showModal());
  // A button pressed by mouse does not hold on to Enter: that saves, as the form says.
  document.addEventListener("click", (event) => {
    const pressed = event.detail > 0 && event.target.closest("button");
    if (pressed && !help.open) pressed.blur();
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || help.open) return;
    const target = event.target, key = event.key, typing = ["TEXTAREA", "INPUT", "SELECT"].includes(target.tagName);
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
    const anywhere = {
      j: () => actions.move(1), k: () => actions.move(-1), n: () => actions.next(), a: () => actions.all(),
      "/": () => { filter.box.focus(); filter.box.select(); }, "?": () => help.showModal(),
    };
    const graded = () => terraCot.data.told.grades[Number(key) - 1];
    const onQuestion = {
      1: () => form.grade(graded()), 2: () => form.grade(graded()), 3: () => form.grade(graded()),
      ArrowDown: () => form.mark(form.at + 1), ArrowUp: () => form.mark(form.at - 1), ArrowLeft: () => form.shift(-1), ArrowRight: () => form.shift(1), h: () => form.all("high"),
      Enter: () => actions.save(), c: () => form.comment.focus(), e: () => brush.turn(!brush.on),
      l: () => (brush.on ? brush.next() : actions.light()), m: () => stage.turnStyle(), "[": () => stage.turn(-1), "]": () => stage.turn(1),
      u: () => brush.undo(), r: () => brush.redo(), Escape: () => (brush.on ? brush.turn(false) : actions.release()),
    };
    const onRepair = { b: () => brush.tool(false), x: () => brush.tool(true), "-": () => brush.grow(-1), "+": () => brush.grow(1), "=": () => brush.grow(1) };
    const act = anywhere[key] || (actions.open() && (onQuestion[key] || (brush.on && onRepair[key])));
    if (!act || event.repeat && key === "Enter") return;
    event.preventDefault();
    act();
  });
};
