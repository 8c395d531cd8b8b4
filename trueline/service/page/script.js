
"use strict";
(() => {
  const KEY = "trueline-token";
  const token = { get: () => sessionStorage.getItem(KEY) || "", set: (said) => sessionStorage.setItem(KEY, said) };
  const element = (name, said, look) => {
    const made = document.createElement(name);
    if (said !== undefined) made.textContent = said;
    if (look) made.className = look;
    return made;
  };
  const headers = () => (token.get() ? { Authorization: `Bearer ${token.get()}` } : {});

  // An answer's text, or an error whose message is a sentence for people.
  const ask = async (address, options = {}) => {
    let answer;
    try {
      answer = await fetch(address, { ...options, headers: { ...headers(), ...options.headers } });
    } catch {
      throw new Error("The service cannot be reached; is it still running?");
    }
    const text = await answer.text();
    if (answer.ok) return text;
    if (answer.status === 401) throw new Error("The token is missing or wrong. Reload the page to write it again.");
    let said;
    try {
      said = JSON.parse(text).detail;
    } catch {
      said = "";
    }
    throw new Error(typeof said === "string" && said ? said : `The service answered ${answer.status}.`);
  };

  const value = (field) => {
    const kind = field.dataset.kind;
    if (kind === "boolean") return field.checked;
    const said = field.value.trim();
    if (said === "") return field.required ? said : undefined;
    if (kind === "number" || kind === "integer") return Number(said);
    return kind === "list" ? said.split(",").map((one) => one.trim()).filter(Boolean) : field.value;
  };
  const values = (part) => {
    const found = {};
    for (const field of part.querySelectorAll("[data-name]")) {
      const said = value(field);
      if (said !== undefined) found[field.dataset.name] = said;
    }
    return found;
  };
  const body = (form) => {
    const asked = Object.assign({}, ...[...form.querySelectorAll(".whole")].map(values));
    asked[form.dataset.list] = [...form.querySelectorAll(".row")].map(values);
    return asked;
  };

  const words = (name) => name.replaceAll("_", " ");
  const number = (said) => {
    if (Number.isInteger(said)) return said.toLocaleString("en");
    const size = Math.abs(said);
    return said.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : 3).replace("-", "−");
  };
  const isChance = (form, name, said) => typeof said === "number" && form.dataset.chances.split(" ").includes(name);
  const percent = (said) => {
    if (said > 0.9995 && said < 1) return "over 99.9 %";
    return said > 0 && said < 0.0005 ? "under 0.1 %" : `${(100 * said).toFixed(1)} %`;
  };
  const shown = (form, name, said, barred) => {
    if (said === null || said === undefined) return document.createTextNode("–");
    if (isChance(form, name, said) && !barred) return document.createTextNode(percent(said));
    if (isChance(form, name, said)) {
      const both = element("span"), bar = element("meter");
      bar.min = 0; bar.max = 1; bar.value = said;
      bar.setAttribute("aria-hidden", "true");
      both.append(bar, percent(said));
      return both;
    }
    if (Array.isArray(said)) return document.createTextNode(said.map(String).join(", ") || "none");
    if (typeof said === "number") return document.createTextNode(number(said));
    if (typeof said === "boolean") return document.createTextNode(said ? "yes" : "no");
    return document.createTextNode(String(said));
  };
  const listOf = (said) => Array.isArray(said) && said.length > 0 && typeof said[0] === "object";
  const facts = (form, found) => {
    const list = element("dl", undefined, "facts");
    for (const [name, said] of Object.entries(found)) {
      if (listOf(said) || said === null) continue;
      const beside = element("dd");
      beside.append(shown(form, name, said));
      list.append(element("dt", words(name)), beside);
    }
    return list;
  };
  const table = (form, name, rows) => {
    const box = element("div", undefined, "scroll"), made = element("table"), top = element("tr");
    const heads = Object.keys(rows[0]).filter((head) => rows.some((row) => row[head] !== null));
    box.tabIndex = 0;
    for (const head of heads) {
      const cell = element("th", words(head));
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
        cell.append(shown(form, each, row[each], differs(each)));
        line.append(cell);
      });
      inside.append(line);
    }
    made.append(element("caption", words(name)), head, inside);
    box.append(made);
    return box;
  };
  const answered = (form, found) => {
    const parts = [facts(form, found)];
    for (const [name, said] of Object.entries(found)) {
      if (!listOf(said)) continue;
      const nested = said.some((one) => Object.values(one).some(listOf));
      if (nested) for (const one of said) parts.push(...answered(form, one));
      else parts.push(table(form, name, said));
    }
    return parts;
  };

  const predict = async (form) => {
    const output = form.querySelector("output"), button = form.querySelector("[type=submit]");
    button.disabled = true;
    output.replaceChildren();
    try {
      const asked = JSON.stringify(body(form), null, 1);
      const text = await ask(form.dataset.address, {
        method: "POST", body: asked, headers: { "Content-Type": "application/json" },
      });
      const sent = element("details"), code = element("pre", asked, "mono");
      sent.append(element("summary", "The question as JSON"), code);
      output.append(...answered(form, JSON.parse(text)), sent);
    } catch (error) {
      output.append(element("p", error.message, "wrong"));
    } finally {
      button.disabled = false;
    }
  };

  const enter = async (form) => {
    const output = form.querySelector("output");
    output.replaceChildren();
    try {
      const found = new DOMParser().parseFromString(await ask("/"), "text/html");
      document.title = found.title;
      document.body.replaceChildren(...[...found.body.childNodes].map((one) => document.adoptNode(one)));
      start();
    } catch (error) {
      token.set("");
      output.append(element("p", error.message.replace(" Reload the page to write it again.", ""), "wrong"));
    }
  };

  const add = (form) => {
    const rows = form.querySelectorAll(".row"), made = rows[rows.length - 1].cloneNode(true);
    rows[rows.length - 1].after(made);
    made.querySelector("input, textarea, select").focus();
  };
  const remove = (form) => {
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
          enter(form);
        } else predict(form);
      });
      form.querySelector(".more")?.addEventListener("click", () => add(form));
      form.querySelector(".less")?.addEventListener("click", () => remove(form));
    }
    // a link would not bring the token along
    if (token.get()) for (const link of document.querySelectorAll(".addresses a")) link.removeAttribute("href");
    const gate = document.getElementById("gate");
    if (gate && token.get()) enter(gate);
  };
  start();
})();
