// The address names the sample and the filter (#id&tier=l1&q=water), so that a link opens the same view.
"use strict";

terraCot.address = {
  read() {
    const [first, ...others] = location.hash.slice(1).split("&"), facets = terraCot.data.meta.facets;
    const found = { id: "", search: "", chosen: facets.map(() => -1) };
    try {
      found.id = decodeURIComponent(first);
      for (const other of others) {
        const [key, value] = other.split("=").map(decodeURIComponent);
        const facet = facets.findIndex((one) => one.name === key);
        if (key === "q") found.search = value;
        else if (facet >= 0) found.chosen[facet] = facets[facet].words.indexOf(value);
      }
    } catch { /* an address broken by hand shows the first sample */ }
    return found;
  },

  write(id) {
    const { facets } = terraCot.data.meta, { chosen, search } = terraCot.filter;
    const others = chosen.flatMap((word, facet) => (word < 0 ? [] : [[facets[facet].name, facets[facet].words[word]]]));
    if (search.trim()) others.push(["q", search.trim()]);
    const rest = others.map(([key, value]) => `&${key}=${encodeURIComponent(value)}`).join("");
    history.replaceState(null, "", `#${encodeURIComponent(id)}${rest}`);
  },

  /** The address of one sample, without the filter. */
  link(id) {
    return `${location.href.split("#")[0]}#${encodeURIComponent(id)}`;
  },
};
