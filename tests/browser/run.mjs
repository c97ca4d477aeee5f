// The offices' pages in Chromium: every page judged, one story for each person, and the prints.
//   node --test tests/browser/run.mjs

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Stage, accessible, story as told } from "./browser.mjs";
import { pages } from "./pages.mjs";

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

async function paper(page, number, date, signer) {
  const open = page.locator("form", { has: page.getByLabel("Số văn bản") });
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

story("the commune officer settles the dispute and submits the list", async (stage) => {
  const page = await stage.enter("officer", plain);
  await page.getByRole("link", { name: "Rà soát cuối năm 2022" }).click();
  await holds(stage, "officer", page, "Hộ còn thông tin chưa thống nhất");
  await page.getByRole("link", { name: /^Thông tin chưa thống nhất/ }).click();
  await page.locator("table a[href*='/households/']").click();
  await holds(stage, "officer", page, "Vật liệu chính của mái");
  await page.getByRole("radio", { name: /bạt|canvas/i }).check();
  await page.getByLabel("Lý do chọn").fill("đã xem tận nơi");
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
  await paper(page, "12/YK-UBND", "2022-12-05", "Nguyễn Văn Thử");
  await page.getByRole("button", { name: "Thống nhất", exact: true }).click();
  await holds(stage, "district", page, "12/YK-UBND");
  assert.equal(await page.getByRole("button", { name: "Trả lại xã" }).count(), 0);
  await page.context().close();
});

story("the commune officer records the decision of recognition", async (stage) => {
  const page = await stage.enter("officer", plain);
  await toList(page, stage);
  await paper(page, "30/QĐ-UBND", "2022-12-07", "Hồ Thị Thử");
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
