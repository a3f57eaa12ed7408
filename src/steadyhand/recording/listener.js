// Watches what a person does on a page, in every frame of it, and tells it to `steadyhandSaw`.
//
// It looks only: nothing is prevented, and no value that is typed into a secret field leaves the page. What counts is
// what a person really did (`isTrusted`), seen in the capture phase, before the page can react. Every message says when
// it happened (`at`, milliseconds since 1970) and names places in CSS pixels of this frame. `folding.py` describes the
// messages and makes steps of them.
(() => {
  if (window.steadyhandListens) return;

  const calendarTime = Date.now.bind(Date);
  const runningTime = performance.now.bind(performance);
  const later = setTimeout.bind(window);
  // The calendar counts in whole milliseconds: asked anew for each event, it would turn around what follows closely.
  let beginning = calendarTime() - runningTime();
  const timeOf = (event) => {
    const now = calendarTime() - runningTime();
    if (Math.abs(now - beginning) > 100) beginning = now; // the machine slept, or its clock was set
    return beginning + event.timeStamp;
  };
  const tell = (kind, event, details) => window.steadyhandSaw?.({ kind, at: timeOf(event), ...details });

  // ------------------------------------------------------------------------------------------------------ things

  const ACTIONABLE = [
    "a[href]", "button", "input", "select", "textarea", "summary", "option", "label", "[contenteditable]",
    ...["button", "link", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "checkbox", "radio", "switch",
      "option", "treeitem", "combobox", "textbox", "slider", "spinbutton"].map((role) => `[role=${role}]`),
  ].join(",");
  const TEXT_TYPES = new Set(["text", "search", "email", "url", "tel", "number", "password"]);
  const SECRET_AUTOCOMPLETE = /\b(current-password|new-password|one-time-code|cc-csc)\b/;
  const DAY = { year: "numeric", month: "2-digit", day: "2-digit" };
  const HOUR = { hour: "2-digit", minute: "2-digit" };
  const DATES = { date: DAY, time: HOUR, "datetime-local": { ...DAY, ...HOUR } };
  // Date fields follow the language of the browser's own menus, which a page is not told: each order that there is.
  const DATE_LANGUAGES = [navigator.language, "en-US", "en-GB", "de", "sv"];

  const documentName = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const numbers = new WeakMap();
  let count = 0;
  const nameOf = (element) => {
    if (!numbers.has(element)) numbers.set(element, ++count);
    return `${documentName}/${numbers.get(element)}`;
  };

  const parentOf = (element) => element.parentElement ?? element.getRootNode().host ?? null;
  const innermost = (event) => {
    const path = event.composedPath();
    return path[0] instanceof Element ? path[0] : document.documentElement;
  };
  const focused = () => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element;
  };
  const isEditable = (element) =>
    element instanceof HTMLTextAreaElement
    || (element instanceof HTMLInputElement && TEXT_TYPES.has(element.type))
    || (element instanceof HTMLElement && element.isContentEditable);
  const isList = (element) => element instanceof HTMLSelectElement && !element.multiple && element.size <= 1;
  const isDate = (element) => element instanceof HTMLInputElement && element.type in DATES;
  const hasLines = (element) =>
    element instanceof HTMLTextAreaElement || (element instanceof HTMLElement && element.isContentEditable);
  const contentOf = (element) => element.value ?? element.innerText.replace(/\n$/, "");

  // What a person means who points at `element`: the control that it is part of.
  const meant = (element) => {
    for (let node = element; node; node = parentOf(node)) {
      if (node.isContentEditable) {
        while (node.parentElement?.isContentEditable) node = node.parentElement;
        return node;
      }
      if (!node.matches(ACTIONABLE)) continue;
      const control = node instanceof HTMLLabelElement ? node.control : null;
      return control && isEditable(control) ? control : node;
    }
    return element;
  };

  const inOneLine = (text) => (text ?? "").replace(/\s+/g, " ").trim().slice(0, 200);
  const isField = (element) => isEditable(element) || isList(element) || isDate(element);
  // What a person reads on an element; nothing for a field, whose content is data.
  const textOn = (element) => {
    if (isField(element)) return "";
    if (element instanceof HTMLInputElement) return ["button", "submit", "reset"].includes(element.type) ? element.value : "";
    return element.innerText;
  };
  const labelOf = (element) =>
    element.labels?.[0]?.innerText || element.getAttribute("aria-label") || element.getAttribute("placeholder")
    || element.getAttribute("title") || element.getAttribute("alt");

  const thingOf = (element, x, y) => {
    const rects = [...element.getClientRects()];
    const here = rects.find((r) => x >= r.left && x <= r.right && y >= r.top && y <= r.bottom);
    const { left, top, right, bottom } = here ?? element.getBoundingClientRect();
    const [west, north] = [Math.max(0, left), Math.max(0, top)];
    const [east, south] = [Math.min(innerWidth, right), Math.min(innerHeight, bottom)];
    return {
      name: nameOf(element),
      box: [west, north, Math.max(0, east - west), Math.max(0, south - north)],
      editable: isField(element),
      secret: isSecret(element),
      text: inOneLine(textOn(element)),
      label: inOneLine(labelOf(element)),
    };
  };

  // ----------------------------------------------------------------------------------------------------- secrets

  // A field that was ever secret stays so, also when the page shows it in plain text for a while.
  const secrets = new Set();
  const isSecret = (element) => {
    if (!(element instanceof HTMLInputElement)) return false;
    if (element.type === "password" || SECRET_AUTOCOMPLETE.test(element.autocomplete)) secrets.add(element);
    return secrets.has(element);
  };
  new MutationObserver((changes) => {
    for (const { target, oldValue } of changes) {
      if (oldValue !== "password") continue;
      secrets.add(target);
      tell("secret", new Event("secret"), {});
    }
  }).observe(document, { subtree: true, attributeFilter: ["type"], attributeOldValue: true });

  // What can be asked: which secrets are in sight, what is at a place, and what has the focus. Of a frame within this
  // one nothing is known here; it has a listener of its own.
  const isFrame = (element) => element instanceof HTMLIFrameElement || element instanceof HTMLFrameElement;
  const secretBoxes = () => {
    for (const element of document.querySelectorAll("input")) isSecret(element);
    return [...secrets].filter((field) => field.isConnected && field.value).map((field) => thingOf(field).box);
  };
  const thingAt = (x, y) => {
    let element = document.elementFromPoint(x, y);
    while (element?.shadowRoot?.elementFromPoint(x, y)) {
      const inner = element.shadowRoot.elementFromPoint(x, y);
      if (inner === element) break;
      element = inner;
    }
    return element && !isFrame(element) ? thingOf(meant(element), x, y) : null;
  };
  const focusedThing = () => {
    const element = focused();
    return element && element !== document.body && !isFrame(element) ? thingOf(meant(element)) : null;
  };
  Object.defineProperty(window, "steadyhandListens", { value: Object.freeze({ secretBoxes, thingAt, focusedThing }) });

  const watch = (type, see) =>
    window.addEventListener(type, (event) => event.isTrusted && see(event), { capture: true, passive: true });

  // ----------------------------------------------------------------------------------------------------- pointer

  let pointedAt = null;
  let enteredAt = 0;
  watch("pointerover", (event) => {
    const thing = meant(innermost(event));
    if (thing === pointedAt) return;
    pointedAt = thing;
    enteredAt = timeOf(event);
  });

  const placed = (event, element) => ({
    point: [event.clientX, event.clientY],
    thing: thingOf(element, event.clientX, event.clientY),
  });

  let scrolledByBar = null;
  const onScrollBar = (event, element) => {
    const root = document.documentElement;
    if (element === root) return event.clientX >= root.clientWidth || event.clientY >= root.clientHeight;
    const { left, top } = element.getBoundingClientRect();
    const inX = event.clientX - left - element.clientLeft;
    const inY = event.clientY - top - element.clientTop;
    const scrolls = element.scrollHeight > element.clientHeight || element.scrollWidth > element.clientWidth;
    return scrolls && element.clientWidth > 0 && (inX >= element.clientWidth || inY >= element.clientHeight)
      && !(element instanceof HTMLInputElement);
  };

  watch("pointerdown", (event) => {
    scrolledByBar = null;
    const element = innermost(event);
    if (!event.isPrimary || (event.button !== 0 && event.button !== 2)) return;
    if (onScrollBar(event, element)) {
      scrolledByBar = { element, left: element.scrollLeft, top: element.scrollTop };
      return;
    }
    const thing = meant(element);
    const button = event.button === 2 ? "right" : "left";
    const entered = thing === pointedAt ? enteredAt : calendarTime();
    tell("down", event, { ...placed(event, thing), button, entered });
  });
  watch("pointerup", (event) => {
    if (!event.isPrimary) return;
    // The element under the pointer, not the one that captured it.
    const element = document.elementFromPoint(event.clientX, event.clientY) ?? innermost(event);
    const selection = getSelection();
    const selecting = selection !== null && !selection.isCollapsed && selection.toString() !== "";
    tell("up", event, { ...placed(event, meant(element)), selecting });
  });
  // The browser's own drag and drop takes the pointer away; its end is told by other events.
  for (const type of ["drop", "dragend"]) {
    watch(type, (event) => {
      const element = document.elementFromPoint(event.clientX, event.clientY) ?? innermost(event);
      tell("up", event, { ...placed(event, meant(element)), selecting: false });
    });
  }

  watch("wheel", (event) => {
    if (event.ctrlKey) return; // zooms
    const unit = [1, 16, innerHeight][event.deltaMode];
    tell("wheel", event, { point: [event.clientX, event.clientY], dx: event.deltaX * unit, dy: event.deltaY * unit });
  });
  watch("scrollend", (event) => {
    if (scrolledByBar === null) return;
    const { element, left, top } = scrolledByBar;
    if (event.target !== element && event.target !== document) return;
    const [x, y, width, height] = thingOf(element).box;
    const [dx, dy] = [element.scrollLeft - left, element.scrollTop - top];
    scrolledByBar = { element, left: element.scrollLeft, top: element.scrollTop };
    if (dx || dy) tell("wheel", event, { point: [x + width / 2, y + height / 2], dx, dy });
  });

  // ------------------------------------------------------------------------------------------------------ typing

  const before = new WeakMap();
  let lineEnd = null;
  watch("beforeinput", (event) => {
    const field = meant(innermost(event));
    if (isEditable(field)) before.set(field, contentOf(field));
  });
  watch("input", (event) => {
    const field = meant(innermost(event));
    const thing = thingOf(field);
    if (isList(field)) {
      const label = field.selectedOptions[0]?.label.trim() ?? "";
      const reached = [...field.options].find((option) => option.label.trim().toLowerCase().startsWith(label.toLowerCase()));
      tell("chose", event, { thing, label, typable: label !== "" && reached === field.selectedOptions[0] });
    } else if (isDate(field)) {
      if (field.value) tell("dated", event, { thing, ways: datings(field) });
    } else if (field instanceof HTMLInputElement && ["file", "color"].includes(field.type)) {
      tell("unseen", event, { what: field.type === "file" ? "a choice of files" : "a choice of colour" });
    } else if (isEditable(field) && event instanceof InputEvent) {
      if (["insertLineBreak", "insertParagraph"].includes(event.inputType)) lineEnd = null;
      const old = before.get(field) ?? "";
      const inserted = event.inputType === "insertText" ? event.data : null;
      // The value of a secret field stays in the page.
      const content = thing.secret ? {} : { before: old, content: contentOf(field), inserted };
      tell("typed", event, { thing, replaces: old !== "", ...content });
    }
  });

  // What a date or time field may show, and what has to be typed into it, part after part, to make it do so. The year
  // has six digits where the field takes so many: with four it would wait for more.
  const datings = (field) => {
    const day = field.type === "time" ? `2000-01-01T${field.value}` : field.value;
    const moment = new Date(day.includes("T") ? day : `${day}T00:00`);
    const typedPiece = ({ type, value }) =>
      type === "literal" ? "" : type === "year" && !field.max ? value.padStart(6, "0") : value;
    return DATE_LANGUAGES.map((language) => {
      const pieces = new Intl.DateTimeFormat(language, DATES[field.type]).formatToParts(moment);
      const shown = pieces.map((piece) => piece.value).join("").replace(/\s/g, " ");
      return { typed: pieces.map(typedPiece).join(""), shown };
    });
  };

  // -------------------------------------------------------------------------------------------------------- keys

  const MODIFIERS = new Set(["Control", "Shift", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "Fn", "Hyper", "Super"]);
  const UNTOLD = new Set(["Dead", "Process", "Unidentified", "Compose", "ContextMenu"]);
  const CARET = new Set(["ArrowLeft", "ArrowRight", "Home", "End", "Backspace", "Delete"]);
  const CARET_LINES = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown"]);
  const EDITING = new Set(["a", "c", "v", "x", "y", "z"]);

  // Keys that only move the caret or change what is in the field: the typing that they are part of is told by its result.
  const isEditing = (event, field) => {
    const isSign = event.key.length === 1;
    const isChord = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
    if (isEditable(field)) {
      if (isSign) return isChord ? !event.altKey && EDITING.has(event.key.toLowerCase()) : true;
      return CARET.has(event.key) || (hasLines(field) && CARET_LINES.has(event.key));
    }
    if (isList(field)) return !isChord && (isSign || CARET.has(event.key) || CARET_LINES.has(event.key) || event.key === "Enter");
    if (isDate(field)) return !isChord && (isSign || CARET.has(event.key) || CARET_LINES.has(event.key));
    return false;
  };
  const chordOf = (event) => {
    const isSign = event.key.length === 1 && event.key !== " ";
    const held = event.getModifierState("AltGraph")
      ? []
      : [[event.ctrlKey, "Control"], [event.altKey, "Alt"], [event.shiftKey, "Shift"], [event.metaKey, "Meta"]]
        .filter(([isHeld, name]) => isHeld && !(isSign && name === "Shift" && !event.ctrlKey && !event.altKey && !event.metaKey))
        .map(([, name]) => name);
    const key = event.key === " " ? "Space" : isSign && held.length > 0 ? event.key.toUpperCase() : event.key;
    return [...held, key].join("+");
  };

  watch("keydown", (event) => {
    if (event.isComposing || MODIFIERS.has(event.key) || UNTOLD.has(event.key)) return;
    const field = focused();
    if (isEditing(event, field)) return;
    const keys = chordOf(event);
    const thing = field && field !== document.body ? thingOf(field) : null;
    const send = () => tell("keys", event, { keys, thing });
    if (event.key === "Enter" && hasLines(field) && !event.ctrlKey && !event.metaKey) {
      // It ends a line, which the text will tell, unless the page takes it for something else.
      lineEnd = event;
      later(() => { if (lineEnd === event) send(); });
    } else if (event.key === "Tab" && isDate(field)) {
      // It may only go on to the next part of the date.
      later(() => { if (focused() !== field) send(); });
    } else {
      send();
    }
  });
})();
