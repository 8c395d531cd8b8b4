
"use strict";
// Tooltips and the time range of charts. Whatever it shows, the server has written: data-tip on a mark; data-steps and
// data-tips, a line a step, on a chart of lines.
const startCharts = () => {
  const EDGE = 4; // units around the plot, as in time_series.py
  const HIT_PIXELS = 40; // how far from a mark a pointer may be
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const parseBox = (plot) => plot.getAttribute("viewBox").split(" ").map(Number);
  const charts = [...document.querySelectorAll("svg[role=img]")].filter((chart) =>
    chart.matches(".lines") || chart.querySelector("[data-tip]"));

  const showTip = (state, text, left, top) => {
    state.tooltip.textContent = text;
    state.tooltip.hidden = false;
    const box = state.chart.parentElement.getBoundingClientRect();
    const half = state.tooltip.offsetWidth / 2;
    state.tooltip.style.left = `${clamp(left - box.left, half, Math.max(box.width - half, half))}px`;
    state.tooltip.style.top = `${top - box.top}px`;
  };
  const hideTip = (state) => {
    state.tooltip.hidden = true;
    state.tooltip.textContent = "";
    state.position = undefined;
    state.chart.querySelector(".current")?.classList.remove("current");
    state.cursor?.setAttribute("visibility", "hidden");
  };

  // A chart of marks: each mark is a stop.
  const readMarks = (chart) => {
    const state = { chart, marks: [...chart.querySelectorAll("[data-tip]")], first: 0 };
    state.count = () => state.marks.length;
    state.show = (position) => {
      chart.querySelector(".current")?.classList.remove("current");
      const mark = state.marks[position], box = mark.getBoundingClientRect();
      mark.classList.add("current");
      showTip(state, mark.dataset.tip, box.left + box.width / 2, box.top);
    };
    state.find = (x, y) => {
      const distances = state.marks.map((mark) => {
        const box = mark.getBoundingClientRect();
        return Math.hypot(x - clamp(x, box.left, box.right), y - clamp(y, box.top, box.bottom));
      });
      const nearest = distances.indexOf(Math.min(...distances));
      return distances[nearest] <= HIT_PIXELS ? nearest : undefined;
    };
    return state;
  };

  // A chart of lines: each step, such as a day, is a stop; `first` is the first step that is shown.
  const readLines = (chart) => {
    const plot = chart.querySelector(".plot"), steps = chart.dataset.steps.split("\n");
    const tips = chart.dataset.tips.split("\n"), full = parseBox(plot);
    const begin = full[0] + EDGE, end = full[0] + full[2] - EDGE;
    const state = { chart, steps, first: 0 };
    state.count = () => steps.length;
    const place = (step) => begin + ((end - begin) * (step - state.first)) / Math.max(steps.length - 1 - state.first, 1);
    const scale = () => chart.getBoundingClientRect().width / chart.viewBox.baseVal.width;
    state.cursor = document.createElementNS(chart.namespaceURI, "line");
    state.cursor.setAttribute("class", "cursor");
    state.cursor.setAttribute("visibility", "hidden");
    state.cursor.setAttribute("y2", full[3]);
    chart.append(state.cursor);
    state.show = (step) => {
      for (const end of ["x1", "x2"]) state.cursor.setAttribute(end, place(step));
      state.cursor.setAttribute("visibility", "visible");
      const box = chart.getBoundingClientRect();
      showTip(state, `${steps[step]}: ${tips[step]}`, box.left + place(step) * scale(), box.top);
    };
    state.find = (x) => {
      const share = ((x - chart.getBoundingClientRect().left) / scale() - begin) / (end - begin);
      return clamp(state.first + Math.round(share * (steps.length - 1 - state.first)), state.first, steps.length - 1);
    };
    state.setRange = (count) => {
      hideTip(state);
      state.first = Math.max(steps.length - count, 0);
      const share = (steps.length - 1 - state.first) / Math.max(steps.length - 1, 1) || 1;
      const left = end - (end - begin) * share;
      plot.setAttribute("viewBox", [left - EDGE * share, 0, (end - begin + 2 * EDGE) * share, full[3]].join(" "));
      const names = [...chart.querySelectorAll(".step")];
      names.forEach((name, index) => {
        const middle = Math.round((index * (steps.length - 1 - state.first)) / Math.max(names.length - 1, 1));
        name.textContent = steps[state.first + middle];
      });
    };
    return state;
  };

  const listen = (state) => {
    const { chart } = state;
    state.tooltip = document.createElement("div");
    state.tooltip.className = "tooltip";
    state.tooltip.setAttribute("role", "status");
    state.tooltip.hidden = true;
    chart.parentElement.classList.add("with-tooltip");
    chart.after(state.tooltip);
    chart.setAttribute("tabindex", "0");
    const show = (position) => {
      if (position === undefined) return hideTip(state);
      state.position = position;
      state.show(position);
    };
    const point = (event) => show(state.find(event.clientX, event.clientY));
    chart.addEventListener("pointermove", point);
    chart.addEventListener("pointerdown", point);
    chart.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hideTip(state));
    chart.addEventListener("blur", () => hideTip(state));
    chart.addEventListener("keydown", (event) => {
      const last = state.count() - 1;
      const from = state.position ?? (event.key === "ArrowLeft" || event.key === "ArrowUp" ? last + 1 : state.first - 1);
      const target = { ArrowLeft: from - 1, ArrowUp: from - 1, ArrowRight: from + 1, ArrowDown: from + 1,
        Home: state.first, End: last }[event.key];
      if (event.key === "Escape") hideTip(state);
      if (target === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      show(clamp(target, state.first, last));
    });
  };

  const states = charts.map((chart) => (chart.matches(".lines") ? readLines(chart) : readMarks(chart)));
  states.forEach(listen);
  const ranges = [...document.querySelectorAll("fieldset.range")];
  for (const range of ranges) {
    range.hidden = false;
    range.addEventListener("change", (event) => {
      const count = Number(event.target.value) || Infinity; // 0 is all
      for (const state of states) if (state.setRange && state.chart.closest(".timed")) state.setRange(count);
      for (const other of ranges) {
        const choices = [...other.querySelectorAll("input")];
        (choices.find((choice) => choice.value === event.target.value) ?? choices.at(-1)).checked = true;
      }
    });
  }
};
startCharts();
