// Evaluates every vector from the data files of mobile-schema alone, checks the vectors of the wire,
// and exits with 1 on any difference.
// Needs nothing but node: `node mobile-schema/vectors/run.mjs`.

import { readFileSync } from "node:fs";
import { courierDifferences } from "./courier.mjs";
import { wireDifferences } from "./wire.mjs";

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const standard = read("../standards/nd-07-2021.json");
const table = read("../standards/b1-synthetic.json");
const form = read("../forms/phieu-b.json");

/** Kinds of the questions by scope and key; a tick or count has the key `question.option`. */
const kinds = { household: new Map(), member: new Map() };
for (const { scope, questions } of form.pages) {
  for (const { code, kind } of questions) {
    const parts = kind.type === "ticks" || kind.type === "counts" ? kind.options : null;
    const keys = parts ? parts.map((option) => `${code}.${option.code}`) : [code];
    keys.forEach((key) => kinds[scope].set(key, kind));
  }
}

/** Reads YYYY, YYYY-MM or YYYY-MM-DD; missing parts are 01; null where it is no date. */
function earliest(text) {
  const found = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(text);
  if (!found) return null;
  const [year, month, day] = [found[1], found[2] ?? "01", found[3] ?? "01"].map(Number);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return year >= 1 && day >= 1 && day <= days ? { year, month, day } : null;
}

/** Whole years. Someone born on 29 February turns a year older on 1 March. */
function ageOn(birth, on) {
  const before = on.month < birth.month || (on.month === birth.month && on.day < birth.day);
  return on.year - birth.year - (before ? 1 : 0);
}

/** Says whether a value fits its question: type, options, bounds. */
function fits(kind, value) {
  switch (kind.type) {
    case "choice": return kind.options.some((option) => option.code === value);
    case "ticks":
    case "yes_no": return typeof value === "boolean";
    case "counts":
    case "integer": return Number.isInteger(value) && value >= kind.min && value <= kind.max;
  }
  if (typeof value !== "string") return false;
  switch (kind.type) {
    case "text": return value.trim() !== "" && [...value].length <= kind.chars_max;
    case "digits": return /^\d*$/.test(value) && kind.lengths.includes(value.length);
    case "partial_date": {
      const year = earliest(value)?.year;
      return year >= 1900 && year <= 2099;
    }
    default: throw new Error(`unknown kind ${kind.type}`);
  }
}

/** Answers without those the form objects to: they are read as missing. */
function fitting(answers, scope) {
  const keep = ([key, value]) => !kinds[scope].has(key) || fits(kinds[scope].get(key), value);
  return Object.fromEntries(Object.entries(answers).filter(keep));
}

// Rules answer true, false, or null where an answer is missing.

const bool = (value) => (typeof value === "boolean" ? value : undefined);
const int = (value) => (Number.isInteger(value) ? value : undefined);
const text = (value) => (typeof value === "string" ? value : undefined);

/** Where a number between low and high lies: inside for sure, outside for sure, or unknown. */
function within(low, high, { at_least: from = -Infinity, below = Infinity }) {
  if (low >= from && high < below) return true;
  return high < from || low >= below ? false : null;
}

/** How many truths hold: at least low, at most high. */
function tally(truths) {
  const low = truths.filter((truth) => truth === true).length;
  return { low, high: low + truths.filter((truth) => truth === null).length };
}

function subjectOf(household, reviewDate) {
  const on = earliest(reviewDate);
  const all = Object.keys(household.members).sort().map((id) => {
    const answers = fitting(household.members[id], "member");
    const birth = "birth" in answers ? earliest(answers.birth) : null;
    const age = birth ? ageOn(birth, on) : null;
    return { id, answers, age: age === null || age < 0 ? null : age };
  });
  const written = ({ id }) => "removed" in household.members[id];
  return {
    answers: fitting(household.answers, "household"),
    members: all.filter((one) => !written(one)),
    // Nobody can tell whether these still belong to the household.
    doubtful: all.filter((one) => written(one) && !("removed" in one.answers)),
  };
}

const newTrace = () => ({ missing: [], members: [] });

/**
 * Asks a rule. `trace.missing` gains what made the result unknown, and nothing where it is known:
 * an answer that turned out not to be needed is not missing. `trace.members` gains the members for
 * whom a part over members held.
 */
function ask(rule, subject, member, trace) {
  if (rule === "otherwise") return true;
  const { missing } = trace;
  const [[kind, body]] = Object.entries(rule);
  const answers = member ? member.answers : subject.answers;
  const lacks = (key) => {
    missing.push(member ? `members/${member.id}/${key}` : key);
    return null;
  };
  const mark = missing.length;
  const settle = (truth) => {
    if (truth !== null) missing.length = mark;
    return truth;
  };
  const until = (deciding) => {
    let known = true;
    for (const part of body) {
      const truth = ask(part, subject, member, trace);
      if (truth === deciding) return settle(deciding);
      known &&= truth !== null;
    }
    return known ? !deciding : null;
  };
  const read = (type, key, judge) => {
    const value = type(answers[key]);
    return value === undefined ? lacks(key) : judge(value);
  };
  switch (kind) {
    case "all": return until(false);
    case "any": return until(true);
    case "not": {
      const truth = ask(body, subject, member, trace);
      return truth === null ? null : !truth;
    }
    case "at_least": {
      const { low, high } = tally(body.of.map((part) => ask(part, subject, member, trace)));
      return settle(within(low, high, { at_least: body.count }));
    }
    case "in": return read(text, body.key, (code) => body.values.includes(code));
    case "is": return read(bool, body.key, (flag) => flag === body.value);
    case "int": return read(int, body.key, (number) => within(number, number, body));
    case "answered": return body.key in answers;
    case "age":
      return member === null || member.age === null ? lacks("birth") : within(member.age, member.age, body);
  }
  if (subject.doubtful.length > 0) {
    missing.push(...subject.doubtful.map(({ id }) => `members/${id}/removed`));
    return null;
  }
  if (subject.members.length === 0) {
    missing.push("members");
    return null;
  }
  return settle(askMembers(kind, body, subject, trace));
}

function askMembers(kind, body, subject, trace) {
  const size = subject.members.length;
  const count = (which) => tally(subject.members.map((one) => {
    const truth = ask(which, subject, one, trace);
    if (truth === true) trace.members.push(`members/${one.id}`);
    return truth;
  }));
  switch (kind) {
    case "members": return within(size, size, body);
    case "any_member": {
      const { low, high } = count(body);
      return within(low, high, { at_least: 1 });
    }
    case "all_members": {
      const { low, high } = count(body);
      return within(low, high, { at_least: size });
    }
    case "members_where": {
      const { low, high } = count(body.which);
      return within(low, high, body);
    }
    case "share_of_members_over": {
      const over = (such) => such * body.denominator > size * body.numerator;
      const { low, high } = count(body.which);
      return over(low) ? true : over(high) ? null : false;
    }
    case "per_head_below": {
      const number = int(subject.answers[body.key]);
      if (number !== undefined) return number < body.per_member * size;
      trace.missing.push(body.key);
      return null;
    }
    default: throw new Error(`unknown rule ${kind}`);
  }
}

/** The question keys a rule may ask for, sorted. */
function keysOf(rule) {
  const keys = new Set();
  const walk = (one) => {
    if (typeof one !== "object" || one === null) return;
    if ("age" in one) keys.add("birth");
    if (typeof one.key === "string") keys.add(one.key);
    Object.values(one).forEach(walk);
  };
  walk(rule);
  return [...keys].sort();
}

/** B1 in the way the form says, or null with what lacks. */
function incomePoints(household, subject, area, region, missing) {
  switch (subject.answers.b1_method) {
    case "computed": return computedPoints(subject, area, region, missing);
    case "item_points": {
      const items = Object.entries(household.b1_items);
      const negative = items.filter(([, points]) => points < 0).map(([item]) => `b1_items/${item}`);
      missing.push(...(items.length === 0 ? ["b1_items"] : negative));
      if (items.length === 0 || negative.length > 0) return null;
      const total = items.reduce((sum, [, points]) => sum + points, 0);
      if (total < 2 ** 63) return total;
      missing.push("b1_items");
      return null;
    }
    case "entered": {
      const points = int(subject.answers.b1_entered);
      if (points !== undefined) return points;
      missing.push("b1_entered");
      return null;
    }
    default:
      missing.push("b1_method");
      return null;
  }
}

/** Of each item the first choice that holds; an unknown choice leaves no total. */
function computedPoints(subject, area, region, missing) {
  const column = area === "urban" ? "urban" : region;
  if (!table.regions.includes(column) || (area === "rural" && column === "urban")) {
    missing.push("score_table");
    return null;
  }
  let total = 0;
  for (const item of table.items) {
    for (const choice of item.choices) {
      const trace = newTrace();
      const truth = ask(choice.when, subject, null, trace);
      if (truth === false) continue;
      missing.push(...trace.missing);
      total = truth === null || total === null ? null : total + choice.points[column];
      break;
    }
  }
  return total;
}

function classify({ household, area, region, review_date: reviewDate }) {
  const subject = subjectOf(household, reviewDate);
  const missing = [];
  const judged = standard.indicators.map((indicator) => {
    const trace = newTrace();
    const truth = ask(indicator.deprived, subject, null, trace);
    missing.push(...trace.missing);
    const because = trace.members.length > 0 ? trace.members : keysOf(indicator.deprived);
    return { code: indicator.code, truth, because };
  });
  const { thresholds } = standard;
  const deprived = judged.filter(({ truth }) => truth).map(({ code }) => code);
  const known = judged.every(({ truth }) => truth !== null);
  const b2 = known ? deprived.length * thresholds.points_per_indicator : null;
  const b1 = incomePoints(household, subject, area, region, missing);
  let result = "insufficient";
  if (b1 !== null && b2 !== null) {
    if (b1 > thresholds.b1[area]) result = "above";
    else result = b2 >= thresholds.b2_poor ? "poor" : "near_poor";
  }
  const reasons = judged.filter(({ truth }) => truth).map(({ code, because }) => [code, because]);
  const because = Object.fromEntries(reasons.sort(([a], [b]) => (a < b ? -1 : 1)));
  return { class: result, b1, b2, deprived, missing: [...new Set(missing)].sort(), because };
}

const vectors = read("classify.json");
let differ = 0;
for (const vector of vectors) {
  const found = classify(vector);
  for (const part of ["class", "b1", "b2", "deprived", "missing", "because"]) {
    const [want, got] = [vector.expect[part], found[part]].map((value) => JSON.stringify(value));
    if (want === got) continue;
    differ += 1;
    console.error(`${vector.name}: ${part} should be ${want}, is ${got}`);
  }
}
if (vectors.length === 0) throw new Error("no vectors");
const wire = [...wireDifferences(), ...courierDifferences()];
wire.forEach((what) => console.error(`wire: ${what}`));
differ += wire.length;
console.log(`${vectors.length} vectors, the wire and the courier file, ${differ} differences`);
process.exit(differ === 0 ? 0 : 1);
