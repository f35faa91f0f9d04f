// Keys work anywhere but where text is typed or a word is chosen.
"use strict";

terraCot.keys = (actions) => {
  const help = document.getElementById("help"), list = document.getElementById("list");
  document.getElementById("help-open").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    // For a moment the focus is still on the button of the list of keys that was just closed.
    const target = help.contains(event.target) ? document.body : event.target, search = terraCot.filter.box;
    if (target === search) {
      if (event.key === "Escape" || event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        list.focus();
      }
      return;
    }
    if (target.tagName === "SELECT" || target.tagName === "INPUT") return;
    const arrows = target === list || target === document.body; // elsewhere they scroll
    const number = Number(event.key);
    const known = {
      j: () => actions.move(1), k: () => actions.move(-1),
      "/": () => { search.focus(); search.select(); }, "?": () => help.showModal(),
      "[": () => terraCot.stage.turn(-1), "]": () => terraCot.stage.turn(1),
      m: () => actions.style(), c: () => actions.copy(), x: () => actions.clear(), Escape: () => actions.release(),
    };
    const inList = {
      ArrowDown: () => actions.move(1), ArrowUp: () => actions.move(-1), Home: () => actions.move(-Infinity),
      End: () => actions.move(Infinity), PageDown: () => actions.move(8), PageUp: () => actions.move(-8),
      Enter: () => actions.open(),
    };
    const act = known[event.key] || (arrows && inList[event.key]);
    if (act) act();
    else if (number >= 1 && number <= 9) actions.keep(number - 1);
    else return;
    event.preventDefault();
  });
};
