import assert from "node:assert/strict";
import { FatalError } from "../../../mod.ts";
import {
  formatVersion,
  parseEtcdVersion,
  warningOf,
} from "../../../plugins/consensus/etcd_version.ts";

const output = (version: string) =>
  `etcd Version: ${version}\nGit SHA: 1234567\nGo Version: go1.19.8\nGo OS/Arch: linux/amd64`;

Deno.test("parseEtcdVersion() reads what etcd prints", () => {
  for (const version of ["3.4.0", "3.4.23", "3.5.24", "3.6.7", "4.0.0"]) {
    assert.equal(formatVersion(parseEtcdVersion(output(version))), version);
  }
  assert.equal(
    formatVersion(parseEtcdVersion(output("3.6.0-rc.2"))),
    "3.6.0",
  );
});

Deno.test("parseEtcdVersion() refuses an etcd before 3.4", () => {
  for (const version of ["3.3.27", "3.2.0", "2.3.8", "0.4.9"]) {
    assert.throws(
      () => parseEtcdVersion(output(version)),
      (error) =>
        error instanceof FatalError &&
        error.message.includes(`etcd ${version}: it is too old`),
    );
  }
});

Deno.test("parseEtcdVersion() refuses a program that is not etcd", () => {
  for (const text of ["", "etcdctl version: 3.4.23", "etcd Version: latest"]) {
    assert.throws(
      () => parseEtcdVersion(text),
      (error) =>
        error instanceof FatalError &&
        error.message.includes(`says ${JSON.stringify(text)}`),
    );
  }
});

Deno.test("warningOf() warns of versions known bad and of no other", () => {
  const table: [version: string, warning: RegExp | undefined][] = [
    ["3.4.0", /may lose acknowledged writes .*: install 3\.4\.21 or later/],
    ["3.4.20", /may lose acknowledged writes/],
    ["3.4.21", undefined],
    ["3.4.23", undefined],
    ["3.5.0", /may lose committed writes .*: install 3\.5\.24 or later/],
    ["3.5.2", /may lose committed writes/],
    ["3.5.3", /may lose acknowledged writes .*: install 3\.5\.24 or later/],
    ["3.5.4", /may lose acknowledged writes/],
    ["3.5.5", /may forget .* promoted: install 3\.5\.24 or later/],
    ["3.5.23", /may forget/],
    ["3.5.24", undefined],
    ["3.6.0", undefined],
    ["4.0.0", undefined],
  ];
  for (const [version, expected] of table) {
    const warning = warningOf(parseEtcdVersion(output(version)));
    if (expected) assert.match(warning ?? "none", expected, version);
    else assert.equal(warning, undefined, version);
  }
});
