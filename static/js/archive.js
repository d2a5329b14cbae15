// What is in an archive, read in the browser before it is sent: the names in a ZIP's directory and in a tar.gz.
// Of whatever it can't read it says nothing; the server looks at each file anyway.
window.listArchive = (() => {
  "use strict";
  const MOST = 2000;
  const words = new TextDecoder(), strict = new TextDecoder("utf-8", { fatal: true });
  // What bytes from 128 on are in names that don't say that they are UTF-8, as of Windows: code page 437.
  const UPPER = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";

  const said = (bytes, isMarked) => {
    try {
      return (isMarked ? words : strict).decode(bytes);
    } catch {
      return Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : UPPER[byte - 128])).join("");
    }
  };

  // What systems put beside people's files, which the server counts as none (`is_of_system`).
  const isOfSystem = (path) => {
    const parts = path.split("/"), name = parts.pop();
    return name.startsWith("._") || [".ds_store", "thumbs.db", "desktop.ini"].includes(name.toLowerCase())
      || parts.includes("__MACOSX");
  };

  const zip = async (file) => {
    // The directory stands at the end, behind it a comment of at most 64 kB.
    const tail = new DataView(await file.slice(-66_000).arrayBuffer());
    let end = tail.byteLength - 22;
    while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end -= 1;
    if (end < 0) return null;
    const size = tail.getUint32(end + 12, true), start = tail.getUint32(end + 16, true);
    if (start === 0xffffffff || size > 4_000_000) return null;
    const all = new DataView(await file.slice(start, start + size).arrayBuffer());
    const names = [];
    for (let at = 0; at + 46 <= all.byteLength && names.length < MOST && all.getUint32(at, true) === 0x02014b50;) {
      const length = all.getUint16(at + 28, true);
      names.push(said(new Uint8Array(all.buffer, at + 46, length), (all.getUint16(at + 8, true) & 0x800) !== 0));
      at += 46 + length + all.getUint16(at + 30, true) + all.getUint16(at + 32, true);
    }
    return names;
  };

  const tar = async (file) => {
    if (file.size > 100_000_000 || !window.DecompressionStream) return null;
    const reader = file.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
    let rest = new Uint8Array(), skip = 0, longer = "";
    const names = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return names;
      const left = Math.min(skip, value.length);
      skip -= left;
      const joined = new Uint8Array(rest.length + value.length - left);
      joined.set(rest);
      joined.set(value.subarray(left), rest.length);
      let at = 0;
      while (skip === 0 && at + 512 <= joined.length) {
        const head = joined.subarray(at, at + 512);
        if (head[0] === 0 || names.length >= MOST) { reader.cancel(); return names; }
        const text = (from, to) => words.decode(head.subarray(from, to)).split("\0")[0];
        const kind = String.fromCharCode(head[156]), size = parseInt(text(124, 136), 8) || 0, padded = Math.ceil(size / 512) * 512;
        // What is no ASCII or too long stands in an entry of its own before the file's, by POSIX or by GNU.
        const says = "xL".includes(kind) && size < 65_536;
        if (says && at + 512 + padded > joined.length) break;
        at += 512;
        if (says) {
          const record = words.decode(joined.subarray(at, at + size));
          longer = kind === "L" ? record.split("\0")[0] : (/^\d+ path=(.*)$/m.exec(record)?.[1] ?? "");
        } else if ("05\0".includes(kind)) {
          names.push(longer || [text(345, 500), text(0, 100)].filter(Boolean).join("/"));
          longer = "";
        }
        const here = Math.min(padded, joined.length - at);
        at += here;
        skip = padded - here;
      }
      rest = joined.slice(at);
    }
  };

  // Returns the names of people's files in it, without folders; null where it is no archive or can't be read.
  return async (file) => {
    const name = file.name.toLowerCase();
    const read = name.endsWith(".zip") ? zip : /\.(tar\.gz|tgz)$/.test(name) ? tar : null;
    try {
      return (await read?.(file))?.filter((path) => !path.endsWith("/") && !isOfSystem(path)) ?? null;
    } catch {
      return null;
    }
  };
})();
