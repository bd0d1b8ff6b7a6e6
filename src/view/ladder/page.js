"use strict";
(() => {
  const read = JSON.parse(document.getElementById("data").textContent);
  const { specs, packets } = read.all;
  const root = document.documentElement;
  const panel = document.getElementById("packet");
  const arrows = [...document.querySelectorAll(".ladder .arrow")];
  const rows = [...document.querySelectorAll("#list tr[data-n]")];
  const total = arrows.length;
  let shown = total, current = -1, pinned = false, zoom = 1;

  // Everything from the capture goes in as text.
  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const bytesOf = (hex) => hex.match(/../g) || [];

  // The cell's label, as short as its bits ask for.
  const short = (label, key, bits) => {
    const tail = key.split(".").pop().replace(/_/g, " ");
    if (bits > 7) return label;
    const words = label.split(/[ ']/).filter((word) => word.length > 1);
    if (bits > 1) return label.length < 2 * bits ? label : tail;
    const letters = words.length > 1 ? words.map((word) => word[0]).join("") : label.slice(0, 3);
    return letters.toUpperCase().split("").join("\n");
  };

  // A value in a cell: whole, or its number alone, or what fits of it.
  const fits = (value, wide) => {
    const room = Math.floor(wide * 2.1);
    const number = value.match(/\((\d+)\)$/) || value.match(/^(\d+) /);
    if (value.length <= room) return value;
    if (number && number[1].length <= room) return number[1];
    return wide < 16 ? "" : value.slice(0, room - 1) + "…";
  };

  function show(number) {
    const packet = packets[read.arrows[number]];
    if (!packet) return;
    panel.replaceChildren();
    const top = make("div", "top");
    panel.append(top);
    top.append(make("h2", "", [...arrows[number].querySelector(".label").childNodes].map((node) => node.textContent).join(", ")), make("p", "line", packet.w));
    const note = make("div");
    note.id = "note";
    const clear = () => note.replaceChildren(make("span", "hint", "Point at a field or a byte."));
    clear();
    const bytes = bytesOf(packet.h).map((two) => make("span", "byte", two));
    const owners = bytes.map(() => []);
    const cells = [];
    let lit = [];
    const dark = () => { for (const node of lit) node.classList.remove("on"); lit = []; };
    const light = (cell) => {
      dark();
      lit = [...cell.nodes, ...bytes.slice(cell.first, cell.last)];
      for (const node of lit) node.classList.add("on");
      const [label, key, explain, rfc] = specs[cell.spec];
      const name = make("b", "", label + (cell.value === "" ? "" : " = " + cell.value) + " ");
      const bits = cell.bits % 8 ? cell.bits + (cell.bits === 1 ? " bit" : " bits") : cell.bits / 8 + (cell.bits === 8 ? " byte" : " bytes");
      note.replaceChildren(name, make("code", "", key), make("span", "", ", " + bits + ". " + explain + " [" + rfc + "]"));
    };
    for (const [name, at, length, quoted, list, rest] of packet.y) {
      panel.append(make("h3", "", (quoted ? "Quoted: " : "") + name + (length ? ", bytes " + at + " to " + (at + length - 1) : "")));
      const box = make("div", "box");
      for (const [spec, from, to, value] of list) {
        const nodes = [];
        const cell = { nodes, spec, value, bits: to - from, first: at + (from >> 3), last: at + ((to + 7) >> 3) };
        let start = from;
        let best = null;
        // A long field is drawn by its first and last rows.
        const many = to - from > 160;
        while (start < to) {
          const end = Math.min(to, (Math.floor(start / 32) + 1) * 32);
          const node = make("div", "cell" + (spec < 0 ? " none" : end - start < 2 ? " thin" : ""));
          node.style.gridColumn = (start % 32) + 1 + " / span " + (end - start);
          nodes.push(node);
          box.append(node);
          if (!best || end - start > best.wide) best = { node, wide: end - start };
          start = many && start >= from + 32 && end + 32 < to ? to - (to % 32 || 32) : end;
        }
        if (spec >= 0) {
          const [label, key] = specs[spec];
          best.node.append(make("b", "", short(label, key, to - from)));
          const bit = to - from === 1;
          best.node.append(make("i", "", bit ? (value === "set" ? "1" : "0") : fits(value, best.wide)));
          for (const node of nodes) {
            node.tabIndex = 0;
            for (const event of ["mouseenter", "focus"]) node.addEventListener(event, () => light(cell));
          }
          for (let index = cell.first; index < cell.last; index++) if (owners[index]) owners[index].push(cell);
          cells.push(cell);
        }
      }
      if (list.length) panel.append(box);
      if (rest.length) panel.append(make("p", "rest", rest.map(([spec, value]) => specs[spec][0] + ": " + value).join(". ")));
    }
    for (const problem of packet.p) panel.append(make("p", "problem", "! " + problem));
    const dump = make("div", "hex");
    bytes.forEach((byte, index) => {
      if (index % 16 === 0) dump.append(make("span", "at", (index ? "\n" : "") + index.toString(16).padStart(4, "0") + "  "));
      byte.addEventListener("mouseenter", () => {
        const [cell] = owners[index].slice().sort((a, b) => a.bits - b.bits);
        if (cell) light(cell); else { dark(); clear(); }
      });
      dump.append(byte, index % 8 === 7 ? "  " : " ");
    });
    top.append(dump, note);
    if (packet.l > bytes.length) dump.append(make("span", "rest", "\nand " + (packet.l - bytes.length) + " more bytes"));
    panel.scrollTop = 0;
  }

  function choose(number, keep) {
    if (pinned && !keep) return;
    pinned = keep ? true : pinned;
    if (number === current) return;
    for (const node of [arrows[current], ...rows]) if (node) node.classList.remove("on");
    current = number;
    if (number < 0) return;
    arrows[number].classList.add("on");
    for (const row of rows) if (Number(row.dataset.n) === number) row.classList.add("on");
    show(number);
  }

  function reveal(count) {
    shown = Math.max(0, Math.min(total, count));
    arrows.forEach((node, index) => node.classList.toggle("later", index >= shown));
    pinned = false;
    if (shown > 0 && count <= total) {
      choose(shown - 1, false);
      const place = arrows[shown - 1].getBoundingClientRect();
      if (place.bottom > window.innerHeight - 20 || place.top < 70) {
        window.scrollBy({ top: place.top - window.innerHeight / 2 });
      }
    }
  }

  const actions = {
    // From the full picture the first step begins anew.
    next: () => reveal(shown === total && current !== total - 1 ? 1 : shown + 1),
    back: () => reveal(shown === total && current < 0 ? 0 : shown - 1),
    all: () => { reveal(total); pinned = false; choose(-1, false); },
    quiz: () => {
      const on = root.classList.toggle("quiz");
      document.getElementById("quiz").setAttribute("aria-pressed", String(on));
    },
    larger: () => { zoom = Math.min(2.5, zoom + 0.1); root.style.setProperty("--zoom", zoom.toFixed(1)); },
    smaller: () => { zoom = Math.max(0.5, zoom - 0.1); root.style.setProperty("--zoom", zoom.toFixed(1)); },
    theme: () => {
      const night = window.matchMedia("(prefers-color-scheme: dark)").matches;
      const dark = root.classList.contains("dark") || (night && !root.classList.contains("light"));
      root.classList.toggle("dark", !dark);
      root.classList.toggle("light", dark);
    },
  };
  const keys = { ArrowRight: "next", PageDown: "next", ArrowLeft: "back", PageUp: "back", a: "all", q: "quiz", "+": "larger", "=": "larger", "-": "smaller", d: "theme" };

  for (const [name, action] of Object.entries(actions)) document.getElementById(name).addEventListener("click", action);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") { pinned = false; return; }
    if (event.key === "Enter" && document.activeElement.classList.contains("arrow")) {
      choose(Number(document.activeElement.dataset.n), true);
      event.preventDefault();
      return;
    }
    const action = actions[keys[event.key]];
    if (action) { event.preventDefault(); action(); }
  });
  arrows.forEach((node, index) => {
    node.addEventListener("mouseenter", () => choose(index, false));
    node.addEventListener("focus", () => choose(index, false));
    node.addEventListener("click", () => { pinned = false; choose(-1, false); choose(index, true); });
  });
  for (const row of rows) row.addEventListener("mouseenter", () => choose(Number(row.dataset.n), false));
})();
