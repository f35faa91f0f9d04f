// What the server does not have yet is held by this browser until the server has it: a crash of either loses no word.
"use strict";

{
  const storage = () => { try { return window.localStorage; } catch { return null; } };
  const CHECKS = () => terraCot.data.told.checks;

  terraCot.held = {
    /** Take up what is held for this version of the benchmark and this expert; nothing else is ever read. */
    begin(told, onNews) {
      this.prefix = `terra-cot review ${told.benchmark} ${told.place} `;
      this.page = Math.random().toString(36).slice(2);
      try {
        this.channel = new BroadcastChannel(this.prefix);
        this.channel.addEventListener("message", (event) => onNews(event.data));
      } catch { this.channel = null; }
    },

    /** A word in short, the same for the same word, whoever wrote it down: 106 bits, not to be forged but to be told apart. */
    mark(word) {
      if (!word) return "";
      const text = JSON.stringify([CHECKS().map((check) => word.grades[check] || null), word.comment, word.masks || null]);
      return [1, 2].map((seed) => {
        let one = 0xdeadbeef ^ seed, other = 0x41c6ce57 ^ seed;
        for (let at = 0; at < text.length; at++) {
          const code = text.charCodeAt(at);
          one = Math.imul(one ^ code, 2654435761);
          other = Math.imul(other ^ code, 1597334677);
        }
        one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(other ^ (other >>> 13), 3266489909);
        other = Math.imul(other ^ (other >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
        return (4294967296 * (2097151 & other) + (one >>> 0)).toString(36);
      }).join("-");
    },

    /** Hold `body` of a question; `seen` is the stamp it stands on, `sent` the marks that the server may have. False: no room. */
    keep(id, body, seen, sent) {
      const place = storage();
      if (!place) return false;
      try {
        place.setItem(this.prefix + id, JSON.stringify({ page: this.page, body, seen, sent: [...sent] }));
        return true;
      } catch {
        // What was held there is older than this, and would come back in its place.
        place.removeItem(this.prefix + id);
        return false;
      }
    },

    /** The server has `body` (or it is given up): let go of it, unless another page holds something else there. */
    drop(id, body) {
      const found = this.read(id);
      if (found && (found.page === this.page || this.mark(found.body) === this.mark(body))) storage().removeItem(this.prefix + id);
    },

    read(id) {
      try {
        const found = JSON.parse(storage().getItem(this.prefix + id));
        const sound = found && found.body && typeof found.body.comment === "string" && typeof found.body.grades === "object";
        return sound && Array.isArray(found.sent) ? found : null;
      } catch {
        return null;
      }
    },

    /** What an earlier page could not send: [question id, entry] of each. */
    all() {
      const place = storage();
      if (!place) return [];
      const names = Array.from({ length: place.length }, (_, at) => place.key(at)).filter((name) => name.startsWith(this.prefix));
      return names.map((name) => [name.slice(this.prefix.length), this.read(name.slice(this.prefix.length))]).filter(([, entry]) => entry);
    },

    /** Tell the other tabs of this expert what the server has by now. */
    tell(news) { if (this.channel) this.channel.postMessage(news); },
  };
}
