
"use strict";
(() => {
  const KEY = "trueline-token";
  const token = { get: () => sessionStorage.getItem(KEY) || "", set: (text) => sessionStorage.setItem(KEY, text) };
  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const headers = () => (token.get() ? { Authorization: `Bearer ${token.get()}` } : {});

  // Return an answer's text, or throw an error whose message is a sentence for people.
  const fetchText = async (address, options = {}) => {
    let answer;
    try {
      // relative to the page, which may be below a prefix
      answer = await fetch(`.${address}`, { ...options, headers: { ...headers(), ...options.headers } });
    } catch {
      throw new Error("The service cannot be reached; is it still running?");
    }
    const text = await answer.text();
    if (answer.ok) return text;
    if (answer.status === 401) throw new Error("The token is missing or wrong. Reload the page to write it again.");
    let detail;
    try {
      detail = JSON.parse(text).detail;
    } catch {
      detail = "";
    }
    throw new Error(typeof detail === "string" && detail ? detail : `The service answered ${answer.status}.`);
  };

  const readField = (field) => {
    const kind = field.dataset.kind;
    if (kind === "boolean") return field.checked;
    const value = field.value.trim();
    if (value === "") return field.required ? value : undefined;
    if (kind === "number" || kind === "integer") return Number(value);
    return kind === "list" ? value.split(",").map((one) => one.trim()).filter(Boolean) : field.value;
  };
  const readFields = (part) => {
    const found = {};
    for (const field of part.querySelectorAll("[data-name]")) {
      const value = readField(field);
      if (value !== undefined) found[field.dataset.name] = value;
    }
    return found;
  };
  const readForm = (form) => {
    const asked = Object.assign({}, ...[...form.querySelectorAll(".whole")].map(readFields));
    asked[form.dataset.list] = [...form.querySelectorAll(".row")].map(readFields);
    return asked;
  };

  const formatName = (name) => name.replaceAll("_", " ");
  const formatNumber = (value) => {
    if (Number.isInteger(value)) return value.toLocaleString("en");
    const size = Math.abs(value);
    return value.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : 3).replace("-", "−");
  };
  const isChance = (form, name, value) => typeof value === "number" && form.dataset.chances.split(" ").includes(name);
  const formatPercent = (value) => {
    if (value > 0.9995 && value < 1) return "over 99.9 %";
    return value > 0 && value < 0.0005 ? "under 0.1 %" : `${(100 * value).toFixed(1)} %`;
  };
  const renderValue = (form, name, value, barred) => {
    if (value === null || value === undefined) return document.createTextNode("–");
    if (isChance(form, name, value) && !barred) return document.createTextNode(formatPercent(value));
    if (isChance(form, name, value)) {
      const both = element("span"), bar = element("meter");
      bar.min = 0; bar.max = 1; bar.value = value;
      bar.setAttribute("aria-hidden", "true");
      both.append(bar, formatPercent(value));
      return both;
    }
    if (Array.isArray(value)) return document.createTextNode(value.map(String).join(", ") || "none");
    if (typeof value === "number") return document.createTextNode(formatNumber(value));
    if (typeof value === "boolean") return document.createTextNode(value ? "yes" : "no");
    return document.createTextNode(String(value));
  };
  const isRecordList = (value) => Array.isArray(value) && value.length > 0 && typeof value[0] === "object";
  const renderFacts = (form, found) => {
    const list = element("dl", undefined, "facts");
    for (const [name, value] of Object.entries(found)) {
      if (isRecordList(value) || value === null) continue;
      const beside = element("dd");
      beside.append(renderValue(form, name, value));
      list.append(element("dt", formatName(name)), beside);
    }
    return list;
  };
  const renderTable = (form, name, rows) => {
    const box = element("div", undefined, "scroll"), made = element("table"), top = element("tr");
    const heads = Object.keys(rows[0]).filter((head) => rows.some((row) => row[head] !== null));
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `answer: ${formatName(name)}`);
    made.className = "stacked";
    for (const head of heads) {
      const cell = element("th", formatName(head));
      cell.scope = "col";
      top.append(cell);
    }
    const differs = (each) => rows.some((row) => row[each] !== rows[0][each]);
    const head = element("thead"), inside = element("tbody");
    head.append(top);
    for (const row of rows) {
      const line = element("tr");
      heads.forEach((each, place) => {
        const cell = element(place ? "td" : "th");
        if (!place) cell.scope = "row";
        else cell.dataset.label = formatName(each);
        cell.append(renderValue(form, each, row[each], differs(each)));
        line.append(cell);
      });
      inside.append(line);
    }
    made.append(element("caption", formatName(name)), head, inside);
    box.append(made);
    return box;
  };
  const renderAnswer = (form, found) => {
    const parts = [renderFacts(form, found)];
    for (const [name, value] of Object.entries(found)) {
      if (!isRecordList(value)) continue;
      const nested = value.some((one) => Object.values(one).some(isRecordList));
      if (nested) for (const one of value) parts.push(...renderAnswer(form, one));
      else parts.push(renderTable(form, name, value));
    }
    return parts;
  };

  const predict = async (form) => {
    const output = form.querySelector("output"), button = form.querySelector("[type=submit]");
    button.disabled = true;
    output.replaceChildren();
    try {
      const asked = JSON.stringify(readForm(form), null, 1);
      const text = await fetchText(form.dataset.address, {
        method: "POST", body: asked, headers: { "Content-Type": "application/json" },
      });
      const sent = element("details"), code = element("pre", asked, "mono");
      sent.append(element("summary", "The question as JSON"), code);
      output.append(...renderAnswer(form, JSON.parse(text)), sent);
    } catch (error) {
      output.append(element("p", error.message, "wrong"));
    } finally {
      button.disabled = false;
    }
  };

  const logIn = async (form) => {
    const output = form.querySelector("output");
    output.replaceChildren();
    try {
      const found = new DOMParser().parseFromString(await fetchText("/"), "text/html");
      document.title = found.title;
      document.body.replaceChildren(...[...found.body.childNodes].map((one) => document.adoptNode(one)));
      startCharts();
      start();
    } catch (error) {
      token.set("");
      output.append(element("p", error.message.replace(" Reload the page to write it again.", ""), "wrong"));
    }
  };

  const addRow = (form) => {
    const rows = form.querySelectorAll(".row"), made = rows[rows.length - 1].cloneNode(true);
    rows[rows.length - 1].after(made);
    made.querySelector("input, textarea, select").focus();
  };
  const removeRow = (form) => {
    const rows = form.querySelectorAll(".row");
    if (rows.length > 1) rows[rows.length - 1].remove();
  };
  const start = () => {
    for (const form of document.querySelectorAll("form")) {
      for (const button of form.querySelectorAll("button")) button.disabled = false;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (form.id === "gate") {
          token.set(form.elements.token.value.trim());
          logIn(form);
        } else predict(form);
      });
      form.querySelector(".more")?.addEventListener("click", () => addRow(form));
      form.querySelector(".less")?.addEventListener("click", () => removeRow(form));
    }
    // a link would not send the token
    if (token.get()) for (const link of document.querySelectorAll(".addresses a")) link.removeAttribute("href");
    const gate = document.getElementById("gate");
    if (gate && token.get()) logIn(gate);
  };
  start();
})();
