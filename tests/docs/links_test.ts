import assert from "node:assert/strict";
import { globSync } from "node:fs";

const root = new URL("../../", import.meta.url);

Deno.test("documents link to files and headings that are there", async () => {
  const missing: string[] = [];
  for (
    const path of globSync(["README.md", "docs/**/*.md"], {
      cwd: root.pathname,
    })
  ) {
    const document = new URL(path, root);
    const text = await Deno.readTextFile(document);
    for (const [, link = ""] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const target = new URL(link, document);
      const found = await Deno.readTextFile(target).catch(() => undefined);
      const there = found ?? await Deno.stat(target).catch(() => undefined);
      if (there === undefined || !hasHeading(found ?? "", target.hash)) {
        missing.push(`${path}: ${link}`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

function hasHeading(text: string, hash: string): boolean {
  if (hash === "") return true;
  return text.matchAll(/^#+ (.*)$/gm).some(([, heading = ""]) =>
    `#${heading.toLowerCase().replaceAll(" ", "-")}` === hash
  );
}
