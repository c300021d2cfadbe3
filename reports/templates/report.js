// What the reader of a report can do: sort and filter leaderboards, choose a user, a title, a map, one data set.
// Everything that is shown first is already in the page; this fills the same elements anew.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  /** An element with properties and children; text from outside only ever becomes text. */
  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  const bdi = (text) => make("bdi", {}, text);

  // Leaderboards

  /** Numbers by size in both directions, what has none always last. */
  function byFigure(direction) {
    return (a, b) => {
      const known = [a, b].map((value) => value !== "" && value !== null);
      if (!known[0] || !known[1]) return known[1] - known[0];
      return direction * (a - b);
    };
  }

  function startBoard(board) {
    const table = one("table.leaders", board);
    const sorted = table.dataset.sorted === "" ? null : Number(table.dataset.sorted);
    const columns = all("thead th", table).map((heading, place) =>
      place === 0
        ? { type: "string" }
        : { type: "figure", searchable: false, orderSequence: "high" in heading.dataset ? ["desc", "asc"] : ["asc", "desc"] },
    );
    const direction = sorted === null ? "" : columns[sorted].orderSequence[0];
    const grid = new DataTable(table, {
      columns,
      order: sorted === null ? [] : [[sorted, direction]],
      paging: false,
      info: false,
      autoWidth: false,
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
      language: { zeroRecords: "No model has this in its name" },
    });
    const filter = one(".filter", board);
    const count = one(".count", filter);
    filter.hidden = false;
    one("input", filter).addEventListener("input", (event) => {
      grid.column(0).search(event.target.value).draw();
      const shown = grid.rows({ search: "applied" }).count();
      count.textContent = event.target.value ? `${shown} of ${grid.rows().count()} models` : "";
    });
  }

  // Users and similar titles

  function fillList(card, titles, items, hits) {
    const marked = (items || []).map((item) => {
      const hit = hits && hits.has(item);
      const line = make("li", { className: hit ? "hit" : "" }, bdi(titles[item]));
      if (hit) line.append(" ", make("span", { className: "tick" }, "hit"));
      return line;
    });
    one("ol", card).replaceChildren(...marked);
    return items ? items.filter((item) => hits && hits.has(item)).length : null;
  }

  function showUser(root, data, name, user) {
    const rated = user.history.map((item, place) => {
      const line = make("li", {}, bdi(data.titles[item]));
      const rating = user.ratings[place];
      if (rating !== null) line.append(" ", make("small", {}, String(rating)));
      return line;
    });
    one(".history ol", root).replaceChildren(...rated);
    one(".who", root).textContent = name;
    one(".cut", root).textContent = user.cut ? "The best rated" : "All";
    one(".held-out", root).textContent = user.heldOut;
    const hits = new Set(user.hits);
    all(".card", root).forEach((card, place) => {
      const found = fillList(card, data.titles, user.lists[place], hits);
      one(".hits", card).textContent = found === null ? "not evaluated" : `${found} hit${found === 1 ? "" : "s"}`;
    });
  }

  function showSimilar(root, data, similar) {
    one(".what", root).textContent = data.titles[similar.item];
    const silent = [];
    all(".card", root).forEach((card, place) => {
      fillList(card, data.titles, similar.lists[place]);
      card.hidden = similar.lists[place] === null;
      if (card.hidden) silent.push(card.getAttribute("aria-label"));
    });
    one(".silent", root).hidden = !silent.length;
    one(".silent bdi", root).textContent = silent.join(", ");
  }

  function startPick(root, show) {
    const pick = one(".pick", root);
    const select = one("select", pick);
    pick.hidden = false;
    const update = () => show(select.selectedIndex, select.options[select.selectedIndex].text);
    select.addEventListener("change", update);
    if (select.selectedIndex > 0) update(); // the browser remembered a choice
  }

  // The map

  const NEAR = 8;
  const REACH = 24; // pixels within which a point is meant
  const LEVELS = 4096;

  /** Four characters of base64 a point: 12 bits of x, 12 bits of y. */
  function unpack(text) {
    const bytes = atob(text);
    const points = [];
    for (let at = 0; at < bytes.length; at += 3) {
      const word = (bytes.charCodeAt(at) << 16) | (bytes.charCodeAt(at + 1) << 8) | bytes.charCodeAt(at + 2);
      points.push({ x: (word >> 12) / LEVELS, y: (word & 4095) / LEVELS });
    }
    return points;
  }

  function startMap(root, data) {
    const map = data.map;
    const [canvas, tip, legend] = [one("canvas", root), one(".tip", root), one(".legend", root)];
    const [model, find, found] = [one(".map-model", root), one(".map-find", root), one(".map-found", root)];
    const shapes = map.looks.map(([, path]) => new Path2D(path));
    const genreOf = (item) => Number(map.genreOf[item]);
    const pressed = new Set(); // genres to show; none means all
    let points = [];
    let chosen = map.start;
    let pointed = null; // the point under the pointer

    const isShown = (point) => !pressed.size || pressed.has(genreOf(point.item));
    const side = () => canvas.clientWidth;
    const place = (point) => [8 + point.x * (side() - 16), 8 + point.y * (side() - 16)];
    const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

    function load() {
      const of = map.models[model.selectedIndex];
      const items = of.items || map.items;
      points = unpack(of.places).map((point, number) => ({ ...point, item: items[number] }));
      canvas.setAttribute("aria-label", `Map of ${points.length} items by ${model.options[model.selectedIndex].text}; the nearest to a title are listed beside it`);
      draw();
      tell();
    }

    function draw() {
      const ratio = window.devicePixelRatio || 1;
      canvas.width = canvas.height = Math.round(side() * ratio);
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      const size = points.length > 1500 ? 0.5 : 0.65;
      for (const point of points) {
        const genre = map.genres.length ? genreOf(point.item) : 0;
        const [x, y] = place(point);
        context.save();
        context.translate(x, y);
        context.scale(size, size);
        context.globalAlpha = isShown(point) ? 0.8 : 0.07;
        context.fillStyle = map.looks[genre][0];
        context.fill(shapes[genre]);
        context.restore();
      }
      const marked = points.find((point) => point.item === chosen);
      if (marked) ring(context, ...place(marked));
    }

    function ring(context, x, y) {
      context.strokeStyle = getComputedStyle(canvas).color;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, 8, 0, 2 * Math.PI);
      context.stroke();
    }

    /** The chosen title and what is near it, in words. */
    function tell() {
      const centre = points.find((point) => point.item === chosen);
      one(".map-title", root).replaceChildren(centre ? "Nearest to " : "Not on this map: ", bdi(data.titles[chosen]));
      const others = centre ? points.filter((point) => point !== centre) : [];
      others.sort((a, b) => distance(a, centre) - distance(b, centre) || a.item - b.item);
      one(".map-near", root).replaceChildren(...others.slice(0, NEAR).map((point) => make("li", {}, bdi(data.titles[point.item]))));
    }

    function choose(item) {
      chosen = item;
      draw();
      tell();
    }

    function under(event) {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      let best = null;
      let reach = REACH;
      for (const point of points) {
        const [px, py] = place(point);
        const away = Math.hypot(px - x, py - y);
        if (away < reach && isShown(point)) [best, reach] = [point, away];
      }
      return best;
    }

    function hover(event) {
      pointed = under(event);
      tip.hidden = !pointed;
      canvas.style.cursor = pointed ? "pointer" : "";
      if (!pointed) return;
      const [x, y] = place(pointed);
      const genre = map.genres.length ? ` · ${map.genres[genreOf(pointed.item)]}` : "";
      tip.replaceChildren(bdi(data.titles[pointed.item]), genre);
      tip.style.left = `${Math.max(0, Math.min(x + 10, side() - tip.offsetWidth))}px`;
      tip.style.top = `${y > 60 ? y - tip.offsetHeight - 8 : y + 12}px`;
    }

    function search() {
      const wanted = find.value.trim().toLowerCase();
      const matches = wanted ? points.filter((point) => data.titles[point.item].toLowerCase().includes(wanted)) : [];
      found.replaceChildren(
        ...matches.slice(0, NEAR).map((point) => {
          const button = make("button", { type: "button" }, bdi(data.titles[point.item]));
          button.addEventListener("click", () => choose(point.item));
          return make("li", {}, button);
        }),
      );
      if (wanted && !matches.length) found.append(make("li", {}, "No title on this map has this in it"));
    }

    function addGenre(name, number) {
      const sign = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      sign.setAttribute("viewBox", "-6 -6 12 12");
      sign.setAttribute("aria-hidden", "true");
      path.setAttribute("d", map.looks[number][1]);
      path.setAttribute("fill", map.looks[number][0]);
      sign.append(path);
      const button = make("button", { type: "button" }, sign, bdi(name));
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        if (!pressed.delete(number)) pressed.add(number);
        button.setAttribute("aria-pressed", String(pressed.has(number)));
        draw();
      });
      legend.append(button);
    }

    map.genres.forEach(addGenre);
    one(".map-body", root).hidden = false;
    model.addEventListener("change", load);
    find.addEventListener("input", search);
    canvas.addEventListener("pointermove", hover);
    canvas.addEventListener("pointerdown", hover);
    canvas.addEventListener("pointerleave", () => (tip.hidden = true));
    canvas.addEventListener("click", () => pointed && choose(pointed.item));
    new ResizeObserver(draw).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    load();
  }

  function startPerson(root) {
    const data = JSON.parse(document.getElementById(root.dataset.block).textContent);
    const [users, similar, map] = [one(".user", root), one(".similar", root), one(".map", root)];
    if (users) startPick(users, (place, name) => showUser(users, data, name, data.users[place]));
    if (similar) startPick(similar, (place) => showSimilar(similar, data, data.similar[place]));
    if (map) startMap(map, data);
  }

  // The page

  function startSwitch(select) {
    const update = () => {
      for (const part of all("[data-of]")) {
        part.hidden = select.value !== "" && !part.dataset.of.split(" ").includes(select.value);
      }
    };
    select.closest(".switch").hidden = false;
    select.addEventListener("change", update);
    update();
  }

  /** On paper everything is open. */
  function startPrinting() {
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = all("details:not([open])").filter((details) => !details.matches(".chooser"));
      for (const details of closed) details.open = true;
    });
    addEventListener("afterprint", () => {
      for (const details of closed) details.open = false;
    });
  }

  DataTable.type("figure", "order", { asc: byFigure(1), desc: byFigure(-1) });
  all(".board").forEach(startBoard);
  all(".person").forEach(startPerson);
  const choice = document.getElementById("board-choice");
  if (choice) startSwitch(choice);
  startPrinting();
})();
