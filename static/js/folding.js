// How search compares letters: as amls/core/folding.py does, which explains it and hands over its table of letters.
window.amlsFolding = (letters) => {
  "use strict";
  const fold = (text) => {
    const bare = text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
    return [...bare].map((letter) => letters[letter] ?? letter).join("");
  };
  const shorten = (folded) => folded.replaceAll("ae", "a").replaceAll("oe", "o").replaceAll("ue", "u");
  const searchable = (text) => `${fold(text)}\n${shorten(fold(text))}`;
  // Returns what says of such a text whether every word that was typed stands in it.
  const finder = (typed) => {
    const wanted = fold(typed).split(/\s+/).filter((word) => word);
    return (words) => wanted.every((word) => words.includes(word) || words.includes(shorten(word)));
  };
  return { fold, searchable, finder };
};
