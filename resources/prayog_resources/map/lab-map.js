/* The drawing half of the web map: outline of the world, overlays, tools. Leaflet brings view and input.
 *
 * The page is built once by folium; everything after that goes through the functions of `lab`:
 *   lab.setOverlay(name, shapes, style)   lab.loadOverlay(name, url, style)   lab.clearOverlay(name)
 *   lab.setTheme(theme)   lab.setTool(name)   lab.fit(...)   lab.view(...)
 * and what the learner does comes back over one object, `bridge` (a QWebChannel object; absent in a saved page).
 *
 * Rules
 * 1. One canvas holds the picture and is drawn again for every view: nothing is scaled or moved afterwards.
 * 2. `shapes` are flat arrays (see `mapshapes.py`); longitudes are unwrapped and are drawn at every turn in view.
 * 3. The page asks for nothing outside `lab:` and `qrc:`.
 */
"use strict";
(() => {
  const MAX_LAT = 85.05112877980659;
  const RAD = Math.PI / 180;
  const KEY_STEP_PX = 80;
  const rise = (lat) => Math.atanh(Math.sin(Math.max(-MAX_LAT, Math.min(MAX_LAT, lat)) * RAD)) / RAD;
  const wrap = (lon) => ((((lon + 180) % 360) + 360) % 360) - 180;

  const lab = (window.lab = { overlays: new Map(), drawn: 0 });
  let map, config, scene, bridge = null;
  let tool = "pan", sketch = null;
  const base = {};

  // ---- shapes -----------------------------------------------------------------------------------------------

  function bytes(text) {
    const raw = atob(text), out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out.buffer;
  }

  function plane(xy) {  // pairs of longitude, latitude in degrees -> the same array on the Mercator plane
    for (let i = 1; i < xy.length; i += 2) xy[i] = rise(xy[i]);
    return xy;
  }

  function lines(xy, ends, stroke, chunks) {
    const box = new Float64Array(ends.length * 4);
    const all = [Infinity, Infinity, -Infinity, -Infinity];
    for (let k = 0, i = 0; k < ends.length; k++) {
      let w = Infinity, s = Infinity, e = -Infinity, n = -Infinity;
      for (; i < ends[k]; i++) {
        const x = xy[2 * i], y = xy[2 * i + 1];
        if (x < w) w = x;
        if (x > e) e = x;
        if (y < s) s = y;
        if (y > n) n = y;
      }
      box.set([w, s, e, n], 4 * k);
      all[0] = Math.min(all[0], w); all[1] = Math.min(all[1], s);
      all[2] = Math.max(all[2], e); all[3] = Math.max(all[3], n);
    }
    return { xy, ends, box, all, stroke: stroke || null, chunks: chunks || [ends.length] };
  }

  function unpack(packed) {  // base64 of little-endian int32 in 1e-6 degrees, and of int32 ends
    const degrees = (text) => plane(Float64Array.from(new Int32Array(bytes(text)), (v) => v / 1e6));
    const part = (p) => lines(degrees(p.xy), new Int32Array(bytes(p.ends)), new Uint8Array(bytes(p.stroke)),
      new Int32Array(bytes(p.chunks)));
    return { rings: part(packed.rings), lines: part(packed.lines), points: degrees(packed.points) };
  }

  function rectangle(s, w, n, e) {
    return lines(plane(Float64Array.of(w, s, e, s, e, n, w, n)), Int32Array.of(4));
  }

  // ---- the scene --------------------------------------------------------------------------------------------

  const Scene = L.Layer.extend({
    onAdd(m) {
      this.canvas = L.DomUtil.create("canvas", "lab-scene", m.getPane("overlayPane"));
      this.pen = this.canvas.getContext("2d");
      m.on("move zoom resize viewreset", this.later, this);
      this.later();
    },
    later() {
      if (this.asked) return;
      this.asked = true;
      requestAnimationFrame(() => { this.asked = false; this.draw(); });
    },
    draw() {
      const size = map.getSize(), ratio = window.devicePixelRatio || 1;
      const { canvas, pen } = this;
      if (canvas.width !== Math.round(size.x * ratio) || canvas.height !== Math.round(size.y * ratio)) {
        canvas.width = Math.round(size.x * ratio);
        canvas.height = Math.round(size.y * ratio);
        canvas.style.width = size.x + "px";
        canvas.style.height = size.y + "px";
      }
      L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
      const k = (256 * Math.pow(2, map.getZoom())) / 360, middle = map.getCenter();
      const v = {
        k, w: size.x, h: size.y, px: size.x / 2 - middle.lng * k, py: size.y / 2 + rise(middle.lat) * k,
      };
      v.west = -v.px / k; v.east = (size.x - v.px) / k; v.north = v.py / k; v.south = (v.py - size.y) / k;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.lineJoin = "round";
      pen.fillStyle = config.theme.colours.sea;
      pen.fillRect(0, 0, size.x, size.y);
      const drawLabels = drawWorld(pen, v);
      const order = [...lab.overlays.values()].sort((a, b) => a.style.order - b.style.order);
      for (const overlay of order) drawOverlay(pen, v, overlay.shapes, overlay.style);
      if (sketch) drawOverlay(pen, v, sketch, config.theme.sketch);
      drawLabels();
      drawAim(pen, v);
      lab.drawn++;
    },
  });

  function eachTurn(v, all, visit) {
    const first = Math.ceil((v.west - all[2]) / 360), last = Math.floor((v.east - all[0]) / 360);
    for (let turn = first; turn <= last; turn++) visit(360 * turn);
  }

  function trace(pen, v, part, options = {}) {
    const { xy, ends, box, stroke } = part;
    const { closed } = options, dashed = options.dashed && xy.length <= 16 * ends.length;  // cells, not curves
    const onlyStroked = options.onlyStroked && stroke;
    pen.beginPath();
    eachTurn(v, part.all, (turn) => {
      for (let k = options.from || 0, to = options.to || ends.length; k < to; k++) {
        if (onlyStroked && !stroke[k]) continue;
        if (box[4 * k] + turn > v.east || box[4 * k + 2] + turn < v.west) continue;
        if (box[4 * k + 1] > v.north || box[4 * k + 3] < v.south) continue;
        const start = k ? ends[k - 1] : 0;
        if (dashed) {
          sides(pen, v, xy, start, ends[k], turn, closed);
          continue;
        }
        for (let i = start; i < ends[k]; i++) {
          const x = (xy[2 * i] + turn) * v.k + v.px, y = v.py - xy[2 * i + 1] * v.k;
          if (i === start) pen.moveTo(x, y); else pen.lineTo(x, y);
        }
        if (closed) pen.closePath();
      }
    });
  }

  // For dashes: every side by itself and in one direction, so that the common side of two cells is one dashed line,
  // and cut near the view, because a dashed line of a million pixels is drawn dash by dash, seen or not.
  function sides(pen, v, xy, start, end, turn, closed) {
    const near = (value, size) => Math.max(-2000, Math.min(size + 2000, value));
    for (let i = start; i < (closed ? end : end - 1); i++) {
      const j = i + 1 < end ? i + 1 : start;
      let ax = near((xy[2 * i] + turn) * v.k + v.px, v.w), ay = near(v.py - xy[2 * i + 1] * v.k, v.h);
      let bx = near((xy[2 * j] + turn) * v.k + v.px, v.w), by = near(v.py - xy[2 * j + 1] * v.k, v.h);
      if (ax > bx || (ax === bx && ay > by)) [ax, ay, bx, by] = [bx, by, ax, ay];
      pen.moveTo(ax, ay);
      pen.lineTo(bx, by);
    }
  }

  function drawWorld(pen, v) {
    const c = config.theme.colours;
    const world = map.getZoom() >= 3.5 && base.fine ? base.fine : base.coarse;
    pen.lineWidth = 1;
    pen.strokeStyle = c.coast;
    if (world) {
      pen.fillStyle = c.land;
      trace(pen, v, world.land, { closed: true });
      pen.fill();
      pen.stroke();
      pen.strokeStyle = c.border;
      pen.setLineDash([3, 2]);
      trace(pen, v, world.borders);
      pen.stroke();
      pen.setLineDash([]);
    }
    const room = Math.max(64, 5.5 * config.theme.fontPx);
    const step = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45].find((s) => s * v.k >= room) || 90;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const south = Math.max(v.south, -180), north = Math.min(v.north, 180);
    const meridians = [], parallels = [];
    pen.strokeStyle = c.graticule;
    pen.beginPath();
    for (let i = Math.ceil(v.west / step); i * step <= v.east; i++) {
      const x = Math.round(i * step * v.k + v.px) + 0.5;
      pen.moveTo(x, v.py - north * v.k);
      pen.lineTo(x, v.py - south * v.k);
      meridians.push([x, wrap(i * step)]);
    }
    for (let i = Math.ceil(-80 / step); i * step <= 80; i++) {
      const y = Math.round(v.py - rise(i * step) * v.k) + 0.5;
      if (y < 0 || y > v.h) continue;
      pen.moveTo(0, y);
      pen.lineTo(v.w, y);
      parallels.push([y, i * step]);
    }
    pen.stroke();
    return () => drawDegrees(pen, v, meridians, parallels, digits);
  }

  function drawDegrees(pen, v, meridians, parallels, digits) {
    const c = config.theme.colours;
    const name = (value, plus, minus) =>
      Math.abs(value).toFixed(digits) + "°" + (Math.abs(value) < 1e-9 || value === -180 ? "" : value > 0 ? plus : minus);
    pen.font = `${Math.round(config.theme.fontPx * 0.82)}px ${config.theme.font}`;
    pen.fillStyle = c.muted;
    pen.strokeStyle = c.sea;
    pen.lineWidth = 3;
    const label = (text, x, y, align) => {
      pen.textAlign = align;
      pen.strokeText(text, x, y);
      pen.fillText(text, x, y);
    };
    pen.textBaseline = "top";
    for (const [x, lon] of meridians) if (x > 70 && x < v.w - 50) label(name(lon, "E", "W"), x, 5, "center");
    pen.textBaseline = "middle";
    for (const [y, lat] of parallels) if (y > 30 && y < v.h - 40) label(name(lat, "N", "S"), v.w - 6, y, "right");
  }

  const patterns = new Map();
  function hatch(pen, colour) {
    if (!patterns.has(colour)) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = 8;
      const p = tile.getContext("2d");
      p.strokeStyle = colour;
      p.lineWidth = 1.4;
      p.beginPath();
      for (const shift of [-8, 0, 8]) { p.moveTo(shift - 1, 9); p.lineTo(shift + 9, -1); }
      p.stroke();
      patterns.set(colour, pen.createPattern(tile, "repeat"));
    }
    return patterns.get(colour);
  }

  function drawOverlay(pen, v, shapes, style) {
    pen.lineWidth = style.width_px;
    if (shapes.rings.ends.length) {
      if (style.fill || style.hatch) {
        if (style.fill) fillUnion(pen, v, shapes.rings, style.colour, style.fill);
        if (style.hatch) fillUnion(pen, v, shapes.rings, hatch(pen, style.colour), 0.55);
      }
      outline(pen, v, shapes.rings, style, { closed: true, onlyStroked: true });
    }
    if (shapes.lines.ends.length) outline(pen, v, shapes.lines, style, {});
    if (shapes.points.length) drawPoints(pen, v, shapes.points, style);
  }

  // Where areas overlap they are no darker. One path does that by itself; for many rings that is slow, so they are
  // filled solid, path by path, on a sheet that is then laid over the map.
  const sheet = document.createElement("canvas");
  function fillUnion(pen, v, rings, paint, opacity) {
    const single = rings.chunks.length === 1;
    const on = single ? pen : sheet.getContext("2d");
    if (single) {
      pen.globalAlpha = opacity;
    } else {
      sheet.width = scene.canvas.width;  // also wipes it
      sheet.height = scene.canvas.height;
      on.setTransform(pen.getTransform());
    }
    on.fillStyle = paint;
    rings.chunks.forEach((to, i) => {
      trace(on, v, rings, { closed: true, from: i ? rings.chunks[i - 1] : 0, to });
      on.fill("nonzero");
    });
    if (!single) {
      pen.globalAlpha = opacity;
      pen.drawImage(sheet, 0, 0, v.w, v.h);
    }
    pen.globalAlpha = 1;
  }

  function outline(pen, v, part, style, options) {
    pen.strokeStyle = style.colour;
    pen.setLineDash(style.dash ? [5, 4] : []);
    if (part.chunks.length > 1) pen.lineWidth = Math.min(1, style.width_px);  // clearer in the crowd, and quicker
    part.chunks.forEach((to, i) => {
      trace(pen, v, part, { ...options, dashed: style.dash, from: i ? part.chunks[i - 1] : 0, to });
      pen.stroke();
    });
    pen.setLineDash([]);
  }

  function drawPoints(pen, v, xy, style) {
    // Of points that would fall on the same spot, only the first is drawn: 170,000 places in one frame.
    const spot = Math.max(1.5, style.radius_px), columns = Math.ceil((v.w + 40) / spot);
    const seen = new Uint8Array(columns * Math.ceil((v.h + 40) / spot));
    const at = [];
    let west = Infinity, east = -Infinity;
    for (let i = 0; i < xy.length; i += 2) {
      if (xy[i] < west) west = xy[i];
      if (xy[i] > east) east = xy[i];
    }
    eachTurn({ west: v.west - 20 / v.k, east: v.east + 20 / v.k }, [west, 0, east, 0], (turn) => {
      const shift = turn * v.k + v.px;
      for (let i = 0; i < xy.length; i += 2) {
        const x = xy[i] * v.k + shift, y = v.py - xy[i + 1] * v.k;
        if (x < -20 || y < -20 || x >= v.w + 20 || y >= v.h + 20) continue;
        const place = ((y + 20) / spot | 0) * columns + ((x + 20) / spot | 0);
        if (seen[place]) continue;
        seen[place] = 1;
        at.push(x, y);
      }
    });
    markers[style.marker](pen, at, style);
  }

  function discs(pen, at, radius) {
    pen.beginPath();
    for (let i = 0; i < at.length; i += 2) {
      pen.moveTo(at[i] + radius, at[i + 1]);
      pen.arc(at[i], at[i + 1], radius, 0, 2 * Math.PI);
    }
  }

  const markers = {
    dot(pen, at, style) {
      pen.fillStyle = style.colour;
      if (style.radius_px > 1.5) {
        discs(pen, at, style.radius_px);
        pen.fill();
        return;
      }
      const side = 2 * style.radius_px;
      pen.globalAlpha = 0.5;
      for (let i = 0; i < at.length; i += 2) pen.fillRect(at[i] - side / 2, at[i + 1] - side / 2, side, side);
      pen.globalAlpha = 1;
    },
    ring(pen, at, style) {
      discs(pen, at, style.radius_px);
      pen.strokeStyle = style.colour;
      pen.stroke();
    },
    ringed(pen, at, style) {
      discs(pen, at, style.radius_px + style.width_px);
      pen.fillStyle = style.halo;
      pen.fill();
      discs(pen, at, style.radius_px);
      pen.fillStyle = style.colour;
      pen.fill();
    },
    square(pen, at, style) {
      const r = style.radius_px;
      pen.fillStyle = style.halo;
      pen.strokeStyle = style.colour;
      for (let i = 0; i < at.length; i += 2) {
        pen.fillRect(at[i] - r, at[i + 1] - r, 2 * r, 2 * r);
        pen.strokeRect(at[i] - r, at[i + 1] - r, 2 * r, 2 * r);
      }
    },
    pin(pen, at, style) {
      const r = style.radius_px;
      for (let i = 0; i < at.length; i += 2) {
        const x = at[i], y = at[i + 1] - 1.7 * r;
        pen.beginPath();
        pen.arc(x, y, r, 0.82 * Math.PI, 0.18 * Math.PI);
        pen.lineTo(x, at[i + 1]);
        pen.closePath();
        pen.lineWidth = 3.5;
        pen.strokeStyle = style.halo;
        pen.stroke();
        pen.fillStyle = style.colour;
        pen.fill();
        pen.beginPath();
        pen.arc(x, y, 0.38 * r, 0, 2 * Math.PI);
        pen.fillStyle = style.halo;
        pen.fill();
      }
    },
  };

  function drawAim(pen, v) {  // where the space bar would click
    if (!document.body.classList.contains("lab-keys") || tool === "pan") return;
    const x = Math.round(v.w / 2) + 0.5, y = Math.round(v.h / 2) + 0.5;
    for (const [colour, width] of [[config.theme.colours.halo, 4], [config.theme.colours.text, 1.5]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        pen.moveTo(x + 5 * dx, y + 5 * dy);
        pen.lineTo(x + 14 * dx, y + 14 * dy);
      }
      pen.stroke();
    }
  }

  // ---- what Python calls ------------------------------------------------------------------------------------

  lab.setOverlay = (name, packed, style) => {
    lab.overlays.set(name, { shapes: unpack(packed), style });
    scene.later();
  };
  const newest = new Map();
  lab.loadOverlay = (name, url, style) => {  // for what is too big to pass through a script
    newest.set(name, url);
    fetch(url).then((answer) => answer.json()).then((packed) => {
      if (newest.get(name) === url) lab.setOverlay(name, packed, style);
    }).catch((error) => { if (newest.get(name) === url) console.error(`overlay ${name}: ${error}`); });
  };
  lab.clearOverlay = (name) => {
    newest.delete(name);
    lab.overlays.delete(name);
    scene.later();
  };
  lab.setTheme = (theme) => {
    config.theme = theme;
    const root = document.documentElement.style;
    for (const [role, colour] of Object.entries(theme.colours)) root.setProperty("--lab-" + role, colour);
    root.setProperty("--lab-font-size", theme.fontPx + "px");
    root.setProperty("--lab-font", theme.font);
    for (const [name, style] of Object.entries(theme.styles)) {
      if (lab.overlays.has(name)) lab.overlays.get(name).style = style;
    }
    patterns.clear();
    scene.later();
  };
  lab.fit = (south, west, north, east) => {
    map.invalidateSize({ animate: false });
    if (map.getSize().x) map.fitBounds([[south, west], [north, east]], { animate: false, padding: [24, 24] });
    else map.once("resize", () => lab.fit(south, west, north, east));  // not on the screen yet
  };
  lab.view = (lat, lon, zoom) => map.setView([lat, lon], zoom, { animate: false });

  // ---- tools ------------------------------------------------------------------------------------------------

  let corners = [];
  const tell = (what, ...values) => bridge && bridge[what](...values);
  const show = (shapes) => { sketch = shapes; scene.later(); };
  const none = lines(new Float64Array(0), new Int32Array(0));

  lab.setTool = (name) => {
    tool = name;
    abandon();
    map.getContainer().dataset.tool = name;
    map.dragging[name === "box" ? "disable" : "enable"]();
    map.doubleClickZoom[name === "polygon" ? "disable" : "enable"]();
  };

  function abandon() {
    corners = [];
    show(null);
  }

  function sketchBox(a, b) {
    show({
      rings: rectangle(Math.min(a.lat, b.lat), Math.min(a.lng, b.lng), Math.max(a.lat, b.lat), Math.max(a.lng, b.lng)),
      lines: none, points: [],
    });
  }

  function endBox(a, b) {
    const south = Math.max(-90, Math.min(a.lat, b.lat)), north = Math.min(90, Math.max(a.lat, b.lat));
    let west = Math.min(a.lng, b.lng), east = Math.max(a.lng, b.lng);
    abandon();
    if (north - south < 1e-9 || east - west < 1e-9) return;
    if (east - west >= 360) { west = -180; east = 180; } else { west = wrap(west); east = wrap(east) || 0; }
    tell("box", south, west, north, east === -180 ? 180 : east);
  }

  function sketchPolygon(cursor) {
    const at = cursor ? [...corners, cursor] : corners;
    const flat = plane(Float64Array.from(at.flatMap((p) => [p.lng, p.lat])));
    const ends = at.length > 2 ? Int32Array.of(at.length) : new Int32Array(0);
    show({
      rings: at.length > 2 ? lines(flat, ends) : none,
      lines: at.length === 2 ? lines(flat, Int32Array.of(2)) : none,
      points: flat.slice(0, 2 * corners.length),
    });
  }

  function endPolygon() {
    const drawn = corners;
    if (drawn.length < 3) return;
    abandon();
    tell("polygon", JSON.stringify(drawn.map((p) => [p.lat, wrap(p.lng)])));
  }

  function corner(at) {  // a click, or the space bar at the middle of the map
    const last = corners[corners.length - 1];
    if (tool === "polygon") {
      if (last && map.latLngToContainerPoint(last).distanceTo(map.latLngToContainerPoint(at)) < 4) return;
      corners.push(at);
      sketchPolygon();
    } else if (tool === "box") {
      if (corners.length) endBox(corners[0], at); else { corners = [at]; sketchBox(at, at); }
    } else {
      tell("click", at.lat, wrap(at.lng));
    }
  }

  function listen() {
    let pressed = null;
    map.on("click", (e) => { if (tool !== "box") corner(e.latlng); });
    map.on("dblclick", () => { if (tool === "polygon") endPolygon(); });
    map.on("mousedown", (e) => { if (tool === "box" && e.originalEvent.button === 0) pressed = e.latlng; });
    map.on("mousemove", (e) => {
      if (tool === "box" && (pressed || corners.length)) sketchBox(pressed || corners[0], e.latlng);
      if (tool === "polygon" && corners.length) sketchPolygon(e.latlng);
    });
    map.on("move", () => { if (tool === "box" && corners.length) sketchBox(corners[0], map.getCenter()); });
    document.addEventListener("mouseup", (e) => {
      if (!pressed) return;
      const from = pressed, to = map.mouseEventToLatLng(e);
      pressed = null;
      endBox(from, to);
    });
    map.on("moveend", report);
    document.addEventListener("keydown", (e) => {
      if (e.target.closest("a, button")) return;
      document.body.classList.add("lab-keys");
      // Leaflet's own keys glide, and lose what is pressed meanwhile.
      const pan = (x, y) => () => map.panBy([x * KEY_STEP_PX, y * KEY_STEP_PX], { animate: false });
      const zoom = (levels) => () => map.setZoom(map.getZoom() + levels, { animate: false });
      const act = {
        ArrowLeft: pan(-1, 0), ArrowRight: pan(1, 0), ArrowUp: pan(0, -1), ArrowDown: pan(0, 1),
        "+": zoom(1), "=": zoom(1), "-": zoom(-1),
        " ": () => corner(map.getCenter()),
        Enter: () => (tool === "polygon" ? endPolygon() : corner(map.getCenter())),
        Backspace: () => { corners.pop(); corners.length ? sketchPolygon() : abandon(); },
        Escape: abandon,
      }[e.key];
      if (act) { act(); e.preventDefault(); }
      scene.later();
    });
    document.addEventListener("pointerdown", () => document.body.classList.remove("lab-keys"));
    window.addEventListener("focus", () => {
      if (document.activeElement === document.body) map.getContainer().focus({ preventScroll: true });
    });
  }

  function report() {
    const middle = map.getCenter(), view = map.getBounds();
    tell("moved", middle.lat, wrap(middle.lng), map.getZoom(),
      view.getSouth(), view.getWest(), view.getNorth(), view.getEast());
  }

  // ---- start ------------------------------------------------------------------------------------------------

  function unwrap(part) {  // world-atlas has no cut at the date line: let lines run on past it
    let turn = 0;
    const line = part.map(([x, y], i) => {
      if (i && x - part[i - 1][0] > 180) turn -= 360;
      if (i && x - part[i - 1][0] < -180) turn += 360;
      return [x + turn, y];
    });
    if (turn) {
      const first = line[0][0], last = line[line.length - 1][0];
      if (Math.abs(last - first) > 180) line.push([last, -90], [first, -90]);  // Antarctica, round the pole
    }
    return line;
  }

  function decode(topology) {
    const land = [], borders = [];
    const shape = topojson.feature(topology, topology.objects.land);
    for (const feature of shape.features || [shape]) {
      const g = feature.geometry;
      for (const polygon of g.type === "Polygon" ? [g.coordinates] : g.coordinates) land.push(...polygon);
    }
    borders.push(...topojson.mesh(topology, topology.objects.countries, (a, b) => a !== b).coordinates);
    const flat = (parts) => {
      const runs = parts.map(unwrap), ends = new Int32Array(parts.length);
      runs.reduce((sum, part, k) => (ends[k] = sum + part.length), 0);
      return lines(plane(Float64Array.from(runs.flat(2))), ends);
    };
    return { land: flat(land), borders: flat(borders) };
  }

  function outlineOf(source) {  // an address, or in a saved page the topology itself
    return typeof source === "string" ? fetch(source).then((answer) => answer.json()) : Promise.resolve(source);
  }

  lab.start = (leafletMap, given) => {
    map = leafletMap;
    config = given;
    scene = new Scene().addTo(map);
    map.attributionControl.setPrefix(false).addAttribution(config.attribution);
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
    map.getContainer().tabIndex = 0;
    map.getContainer().setAttribute("role", "application");
    map.getContainer().setAttribute("aria-label", config.label);
    lab.setTheme(config.theme);
    lab.setTool("pan");
    for (const [name, overlay] of Object.entries(config.overlays)) lab.setOverlay(name, overlay.shapes, overlay.style);
    listen();
    const ready = () => { tell("ready"); report(); };
    const connected = new Promise((go) => {
      if (!window.qt) return go();
      new QWebChannel(qt.webChannelTransport, (channel) => { bridge = channel.objects.bridge; go(); });
    });
    Promise.all([connected, outlineOf(config.world.coarse).then((t) => { base.coarse = decode(t); })]).then(() => {
      scene.later();
      ready();
      return outlineOf(config.world.fine);
    }).then((t) => { base.fine = decode(t); scene.later(); });
  };
})();
