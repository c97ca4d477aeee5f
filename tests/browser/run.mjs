// The offices' pages in Chromium: every page judged, one story for each person, and the prints.
//   node --test tests/browser/run.mjs

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { join } from "node:path";
import { Stage, accessible, folder, pdfPages, story as told } from "./browser.mjs";
import { pages, prints } from "./pages.mjs";

let stage;
before(async () => {
  stage = await Stage.open();
});
after(async () => {
  await stage?.close();
});
const story = (name, tell) => told(() => stage, name, tell);

story("every page is light, quiet, self-contained and accessible", async (stage) => {
  const wrong = [];
  for (const [who, address, options] of pages(stage.scene)) {
    const page = await stage.visit(who);
    const found = await stage.judge(page, address, options);
    wrong.push(...found.map((one) => `${who} ${address}: ${one}`));
  }
  assert.deepEqual(wrong, []);
});

story("a page can be read in English and zoomed to twice its size", async (stage) => {
  const page = await stage.enter("officer", { viewport: { width: 640, height: 480 } });
  await page.getByRole("link", { name: "English" }).click();
  await page.getByRole("link", { name: "Rà soát cuối năm 2022" }).click();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.deepEqual(await accessible(page), []);
  await page.context().close();
});

/** Prints a paper into a file; returns the text of its pages. */
async function printed(stage, name) {
  const [who, address] = prints(stage.scene)[name];
  const page = await stage.visit(who);
  await page.goto(address);
  const path = join(folder, `${name}.pdf`);
  await page.pdf({ path, preferCSSPageSize: true });
  const sheets = pdfPages(path);
  console.log(`${name}: ${sheets.length} pages, ${path}`);
  sheets.forEach((sheet, index) => {
    const number = new RegExp(`Trang ${index + 1}/${sheets.length}\\b`);
    assert.match(sheet, number, `page ${index + 1} of ${name} says which it is`);
    assert.doesNotMatch(sheet, /Đến nội dung|Thoát|Bấm Ctrl/, `page ${index + 1} of ${name}`);
  });
  return sheets;
}

/** Says how often a text stands on each page. */
const times = (sheets, text) => sheets.map((sheet) => sheet.split(text).length - 1);

story("the list of households to review repeats its head on every page", async (stage) => {
  const sheets = await printed(stage, "review-list");
  const { households } = stage.scene.unvisited;
  assert.match(sheets[0], /CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM[^]*Độc lập - Tự do - Hạnh phúc/);
  assert(sheets.length >= 2 && sheets.length <= 4, `${sheets.length} pages`);
  const rows = sheets.flatMap((sheet) => sheet.match(/^\s*\d+\s.*19561-01-\d{4}/gm) ?? []);
  assert.equal(rows.length, households, "each household is on one line of one page");
  for (const [index, sheet] of sheets.entries()) {
    const has = (sheet.match(/19561-01-\d{4}/g) ?? []).length > 0;
    assert.equal(/Họ và tên chủ hộ/.test(sheet), has, `head of page ${index + 1}`);
  }
  const people = await printed(stage, "review-list-by-enumerator");
  assert(people.every((sheet) => /lan/.test(sheet)), "whoever visits is named on every page");
});

story("the decision has four annexes, and none is cut", async (stage) => {
  const sheets = await printed(stage, "decision");
  const text = sheets.join("\n");
  assert.match(sheets[0], /QUYẾT ĐỊNH[^]*Điều 1[^]*Điều 3/);
  for (const annex of ["hộ nghèo", "hộ cận nghèo", "hộ thoát nghèo", "hộ thoát cận nghèo"]) {
    assert.match(text, new RegExp(`Danh sách ${annex} năm 2022`));
  }
  assert.match(text, /Mã kiểm chứng: ?\s*[0-9a-f]{20}/);
  assert.match(text, /bảng điểm giả định/);
  assert(times(sheets, "DỰ THẢO").every((count) => count === 0), "a recognised list is no draft");
  const second = sheets.findIndex((sheet) => /Danh sách hộ nghèo năm/.test(sheet)) + 1;
  assert.match(sheets[second], /Họ và tên chủ hộ/, "the head stands on the annex's second page");
  const draft = await printed(stage, "decision-draft");
  assert(times(draft, "DỰ THẢO").every((count) => count > 0), "every page of a draft says so");
});

story("forms fit on their pages, blank and filled", async (stage) => {
  const blank = await printed(stage, "form-b");
  assert.equal(blank.length, 2, "both sides of one sheet");
  const file = new URL("../../mobile-schema/forms/phieu-b.json", import.meta.url);
  const questions = JSON.parse(readFileSync(file, "utf8")).pages.flatMap((page) => page.questions);
  for (const [index, question] of questions.entries()) {
    const asked = new RegExp(`(^|\\s)${index + 1}\\. `);
    assert.match(blank.join("\n"), asked, `${question.code} is on the paper`);
  }
  const filled = await printed(stage, "form-b-filled");
  assert(filled.length <= 3, `${filled.length} pages`);
  const text = filled.join("\n");
  assert.match(text, /rà soát[^]*chủ hộ[^]*15\/10\/2022/, "who asked and answered, and when");
  assert.doesNotMatch(text, /\b\d{12}\b/, "no whole identity number");
  assert.equal((await printed(stage, "form-a")).length, 1);
});

story("a posted list and minutes are ready to be signed", async (stage) => {
  const posted = (await printed(stage, "posted")).join("\n");
  assert.match(posted, /NIÊM YẾT CÔNG KHAI/);
  assert.match(posted, /Điểm\s+B1/);
  assert.match(posted, /Kết quả rà soát/);
  assert.doesNotMatch(posted, /\b\d{9,12}\b/);
  const minutes = await printed(stage, "minutes");
  assert.equal(minutes.length, 2, "one page for each of two hamlets");
  await printed(stage, "list");
});

/** Opens the list of a unit from the first page on, as people click. */
async function toList(page, { scene }) {
  await page.goto("/office");
  await page.getByRole("link", { name: "Rà soát cuối năm 2022" }).click();
  const commune = page.getByRole("link", { name: /Mò Ó/ });
  if (await commune.count()) await commune.first().click();
  if (!page.url().endsWith("/list")) {
    await page.locator(`a[href$="/units/${scene.disputed.unit}/list"]`).first().click();
  }
}

/** Fills in the paper of one step. */
async function paper(page, step, number, date, signer) {
  const open = page.getByRole("group", { name: step });
  await open.getByLabel("Số văn bản").fill(number);
  await open.getByLabel("Ngày").fill(date);
  await open.getByLabel("Người ký").fill(signer);
}

// Scripts are off in every story of a person: what they do must work without any. axe-core is one
// itself, so what a story comes to is judged in another browser of the same person.
const plain = { javaScriptEnabled: false };

async function holds(stage, who, page, text) {
  await page.getByText(text).first().waitFor();
  const found = await stage.judge(await stage.visit(who), page.url());
  assert.deepEqual(found, [], `${page.url()} with ${text}`);
}

story("a table is looked at before it is written, with what to correct", async (stage) => {
  const page = await stage.enter("officer", plain);
  const at = `/office/campaigns/${stage.scene.campaign}/import/hamlets`;
  const template = await (await page.request.get(`${at}/template?format=csv`)).text();
  const foreign = "19561,19561-01,thôn,A,rural,1,1,1,1,1,1,1,1,thử,\r\n";
  await page.goto(at);
  await page.locator("input[type=file]").setInputFiles({
    name: "thon.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(template + foreign),
  });
  await page.locator("main form button").click();
  await holds(stage, "officer", page, "Cần sửa");
  await page.getByRole("button", { name: "Chỉ ghi phần dùng được" }).click();
  await holds(stage, "officer", page, "Đã ghi");
  await page.context().close();
});

story("a list follows what is typed, and whoever has to sign in again is told", async (stage) => {
  const page = await stage.enter("neighbour");
  const at = `/office/campaigns/${stage.scene.campaign}/units/${stage.scene.unvisited.unit}/households`;
  await page.goto(at);
  const rows = page.locator("#found tbody tr");
  const all = await rows.count();
  const code = (await rows.first().locator("td").first().textContent()) ?? "";
  await page.getByRole("searchbox").pressSequentially(code);
  await page.locator("#count", { hasText: "Tìm thấy: 1" }).waitFor();
  assert(all > 1 && (await rows.count()) === 1, `of ${all} rows one is left`);
  assert.doesNotMatch(page.url(), /[?]/, "no name is kept in the browser's history");
  await page.locator("#q").fill("<script>alert(1)</script>");
  await page.locator("#count", { hasText: "Tìm thấy: 0" }).waitFor();
  assert.deepEqual(await accessible(page), []);
  assert.equal(await page.evaluate(() => localStorage.length), 0, "nothing is kept on the machine");
  await page.context().clearCookies();
  await page.locator("#q").fill("x");
  await page.getByRole("heading", { name: "Đăng nhập" }).waitFor();
  await page.context().close();
});

/** What stands in the fields of a form on paper, by name; of members by row and question. */
async function onPaper(page) {
  return page.locator("form.typing").evaluate((form) => {
    const said = {};
    const row = (field) => [...field.closest("tbody").children].indexOf(field.closest("tr"));
    const items = [];
    for (const field of form.elements) {
      const value = field.type === "checkbox" ? (field.checked ? "1" : "") : field.value;
      if (!field.name || field.type === "hidden" || value === "") continue;
      const [kind, of, ...key] = field.name.split(".");
      if (kind === "m") said[`m.${row(field)}.${key.join(".")}`] = value;
      else if (kind === "b") items.push([of, value]);
      else said[field.name] = value;
    }
    items.forEach(([item, points], at) => Object.assign(said, { [`bk.${at}`]: item, [`bv.${at}`]: points }));
    return said;
  });
}

/** What has the focus: its name as `onPaper` gives it, what kind of thing it is, how far an option is. */
function focused(wanted) {
  const field = document.activeElement;
  const row = (one) => [...one.closest("tbody").children].indexOf(one.closest("tr"));
  const named = (one) => {
    const [kind, , ...key] = (one.name ?? "").split(".");
    return kind === "m" ? `m.${row(one)}.${key.join(".")}` : one.name;
  };
  const name = named(field);
  const inside = field.tagName === "SUMMARY" ? [...field.parentElement.querySelectorAll("input")] : [];
  return {
    name,
    tag: field.tagName,
    type: field.type,
    value: field.value,
    ticked: field.checked,
    hides: inside.some((one) => wanted[named(one)]),
    steps: [...(field.options ?? [])].findIndex((one) => one.value === wanted[name]) - field.selectedIndex,
    saves: field.value === "save",
  };
}

/** Seconds a key takes somebody who types, and is no typist (Card, Moran and Newell, 1980). */
const KEY_S = 0.28;

/** Keys that a word takes on a Vietnamese keyboard (Telex): one more for each mark, two for đ. */
const telex = (word) => word.replaceAll(/[đĐ]/g, "dd").normalize("NFD").length;

story("a whole paper form is typed with the keyboard alone, in three minutes' keys", async (stage) => {
  const { campaign, typed } = stage.scene;
  const at = `/office/campaigns/${campaign}/households/${typed.due}`;
  const first = await stage.visit("officer");
  await first.goto(`${at}/paper`);
  const paper = { ...(await onPaper(first)), day: "15/10/2022", by: "Hồ Văn Hoa", answered_by: "chủ hộ" };
  const page = await stage.enter("colleague");
  await page.goto(`${at}/second`);
  const wanted = { ...paper };
  let keys = 0;
  const press = async (key, times = 1) => {
    for (let time = 0; time < times; time += 1) await page.keyboard.press(key);
    keys += times;
  };
  for (let stop = 0; stop < 1_000; stop += 1) {
    const here = await page.evaluate(focused, wanted);
    if (here.saves) break;
    const value = wanted[here.name];
    if (here.tag === "SUMMARY" && here.hides) await press("Enter");
    if (value !== undefined && here.tag === "SELECT") {
      await press(here.steps > 0 ? "ArrowDown" : "ArrowUp", Math.abs(here.steps));
    } else if (value !== undefined && here.type === "checkbox") {
      if (!here.ticked) await press("Space");
    } else if (value !== undefined && here.value !== value) {
      await page.keyboard.type(value);
      keys += telex(value);
    }
    delete wanted[here.name];
    await press("Tab");
  }
  assert.deepEqual(wanted, {}, "every field was reached by the Tab key");
  await press("Enter");
  await page.getByText("Hai lần nhập giống nhau").waitFor();
  console.log(`keys for a paper form with ${Object.keys(paper).length} fields: ${keys}`);
  assert(keys * KEY_S <= 180, `${keys} keys take more than three minutes`);
  assert.deepEqual(await accessible(page), []);
  await page.context().close();
});

story("the commune officer settles the dispute and submits the list", async (stage) => {
  const page = await stage.enter("officer", plain);
  await page.getByRole("link", { name: "Rà soát cuối năm 2022" }).click();
  await holds(stage, "officer", page, "Hộ còn thông tin chưa thống nhất");
  await page.getByRole("link", { name: /^Thông tin chưa thống nhất/ }).click();
  await holds(stage, "officer", page, /tùy vào vật liệu chính của mái/);
  await page.getByRole("radio", { name: /bạt|canvas/i }).check();
  await page.getByLabel("Lý do").fill("đã xem tận nơi");
  await page.getByRole("button", { name: "Thống nhất giá trị này" }).click();
  await holds(stage, "officer", page, "đã xem tận nơi");
  await toList(page, stage);
  await page.getByRole("button", { name: "Chốt danh sách, trình huyện" }).click();
  await holds(stage, "officer", page, "Đã chốt, trình huyện");
  await page.context().close();
});

story("the district agrees in writing", async (stage) => {
  const page = await stage.enter("district", plain);
  await toList(page, stage);
  await paper(page, "Ý kiến: thống nhất", "12/YK-UBND", "2022-12-05", "Nguyễn Văn Thử");
  await page.getByRole("button", { name: "Thống nhất", exact: true }).click();
  await holds(stage, "district", page, "12/YK-UBND");
  assert.equal(await page.getByRole("button", { name: "Trả lại xã" }).count(), 0);
  await page.context().close();
});

story("the commune officer records the decision of recognition", async (stage) => {
  const page = await stage.enter("officer", plain);
  await toList(page, stage);
  await paper(page, "Quyết định công nhận", "30/QĐ-UBND", "2022-12-07", "Hồ Thị Thử");
  await page.getByRole("button", { name: "Ghi nhận quyết định" }).click();
  await holds(stage, "officer", page, "Đã công nhận");
  await page.context().close();
});

story("the province reads the rates and nobody works after signing out", async (stage) => {
  const page = await stage.enter("province", plain);
  await page.getByRole("link", { name: "Rà soát cuối năm 2022" }).click();
  assert.equal(await page.getByText("Đã công nhận").count() > 0, true);
  await page.goto(`/office/campaigns/${stage.scene.campaign}/rates`);
  await holds(stage, "province", page, "chưa đầy đủ");
  await page.getByRole("button", { name: "Thoát" }).click();
  await page.goto("/office");
  await page.getByRole("heading", { name: "Đăng nhập" }).waitFor();
  await page.context().close();
});
