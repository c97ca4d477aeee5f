// The browser and the scene it looks at: started, signed in, and every page judged alike.

import assert from "node:assert/strict";
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Most bytes of a page's first load, as sent. */
const FIRST_LOAD_BYTES = 100 * 1024;

/** What axe-core checks: WCAG 2.2, A and AA. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

/** Where failures leave a picture and prints are kept: outside the repository. */
export const folder = mkdtempSync(join(tmpdir(), "rasoat-browser-"));

/** A scene and a browser, for as long as the tests run. */
export class Stage {
  /** Starts both. */
  static async open() {
    const stage = new Stage();
    const program = process.env.RASOAT_SCENE ?? join(root, "target/debug/scene");
    stage.child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    stage.ended = new Promise((ended) => stage.child.once("exit", ended));
    const lines = createInterface({ input: stage.child.stdout })[Symbol.asyncIterator]();
    const said = await lines.next();
    assert(!said.done, `${program} ended without a scene`);
    stage.scene = JSON.parse(said.value);
    const root_args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    stage.browser = await chromium.launch({
      executablePath: process.env.RASOAT_CHROMIUM ?? "/usr/bin/chromium",
      args: root_args,
    });
    stage.people = new Map();
    return stage;
  }

  async close() {
    await this.browser?.close();
    this.child?.stdin.end();
    await this.ended;
  }

  /** A browser of its own, signed in where `who` is somebody. */
  async enter(who, options = {}) {
    const context = await this.browser.newContext({
      baseURL: this.scene.base,
      locale: "vi-VN",
      viewport: { width: 1024, height: 768 },
      ...options,
    });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    if (who !== "nobody") {
      const { name, password } = this.scene.people[who];
      await page.goto("/office");
      await page.getByLabel("Tên đăng nhập").fill(name);
      await page.getByLabel("Mật khẩu").fill(password);
      await page.getByRole("button", { name: "Đăng nhập" }).click();
      await page.waitForURL("**/office");
    }
    return page;
  }

  /** The same browser of a person each time, for pages that are only looked at. */
  async visit(who) {
    if (!this.people.has(who)) this.people.set(who, await this.enter(who));
    return this.people.get(who);
  }

  /** Opens a page as for the first time; returns what there is to complain of. */
  async judge(page, address, { status = 200 } = {}) {
    const wrong = [];
    const session = await page.context().newCDPSession(page);
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    const requests = [];
    const hear = {
      console: (said) => {
        if (said.type() === "error" && !(status >= 400 && /status of/.test(said.text()))) {
          wrong.push(`console: ${said.text()}`);
        }
      },
      pageerror: (error) => wrong.push(`script: ${error}`),
      request: (request) => requests.push(request),
    };
    for (const [name, heard] of Object.entries(hear)) page.on(name, heard);
    try {
      const answer = await page.goto(address, { waitUntil: "load" });
      if (answer.status() !== status) wrong.push(`answered ${answer.status()}`);
      let bytes = 0;
      for (const request of requests) {
        if (!request.url().startsWith(`${this.scene.base}/`)) wrong.push(`loads ${request.url()}`);
        try {
          bytes += (await request.sizes()).responseBodySize;
        } catch {
          // What the page before was still loading is given up; nothing else may fail.
          const why = request.failure()?.errorText;
          if (why !== "net::ERR_ABORTED") wrong.push(`${request.url()}: ${why}`);
        }
      }
      if (bytes === 0) wrong.push("nothing was counted");
      if (bytes > FIRST_LOAD_BYTES) wrong.push(`first load of ${bytes} bytes`);
      wrong.push(...(await accessible(page)));
    } finally {
      for (const [name, heard] of Object.entries(hear)) page.off(name, heard);
      await session.detach();
    }
    return wrong;
  }

  /** Keeps a picture of every open page; returns where. */
  async pictures(name) {
    const paths = [];
    for (const context of this.browser?.contexts() ?? []) {
      for (const page of context.pages()) {
        const path = join(folder, `${name.replaceAll(/\W+/g, "-")}-${paths.length + 1}.png`);
        await page.screenshot({ path, fullPage: true }).catch(() => {});
        paths.push(`${path} (${page.url()})`);
      }
    }
    return paths;
  }
}

/** Says what axe-core finds serious or critical on a page. */
export async function accessible(page) {
  // Evaluated by the debugger: the page's own policy lets no script in.
  const found = await page.evaluate(`${axe}; axe.run(document, {
    runOnly: { type: "tag", values: ${JSON.stringify(RULES)} },
    preload: false,
    resultTypes: ["violations"],
  })`);
  assert(found.passes.length > 0, "axe-core found nothing to check");
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  return serious.map((one) => {
    const where = one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
    return `axe ${one.impact} ${one.id}: ${one.help}: ${where.join(" | ")}`;
  });
}

/** A test that leaves pictures behind where it fails. */
export function story(stage, name, told) {
  test(name, { timeout: 170_000 }, async () => {
    try {
      await told(stage());
    } catch (error) {
      for (const path of await stage().pictures(name)) console.error(`picture: ${path}`);
      throw error;
    }
  });
}

/** Text of a PDF file as people read it, a string for each page. */
export function pdfPages(file) {
  const text = execFileSync("pdftotext", ["-layout", file, "-"], { encoding: "utf8" });
  return text.split("\f").slice(0, -1).map((page) => page.normalize("NFC"));
}
