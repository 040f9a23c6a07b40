// What the parts of the client for Node share: its arguments, counted checks, the tables, pictures,
// made-up hosts. Started as the clients in Python are (see checks.py), with the folder of the installed
// packages for a last argument.

import assert from "node:assert/strict";
import dns from "node:dns";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pictureHeader } from "./picture_header.mjs";

const [, , address, keyText, temporaryText, folder, packages] = process.argv;
const OSS = createRequire(path.join(packages, "package.json"))("ali-oss");
const named = (text) => {
  const [accessKeyId, accessKeySecret, stsToken] = text.split(":");
  return { accessKeyId, accessKeySecret, stsToken };
};

export const endpoint = address;
export const port = new URL(address).port;
export const key = named(keyText);
export const temporaryKey = named(temporaryText);
export const fixturePath = (name) => path.join(folder, name);
export const fixture = (name) => fs.readFileSync(fixturePath(name));

const table = (name) => JSON.parse(fs.readFileSync(new URL(name, import.meta.url)));
export const KEYS = table("keys.json");
export const PROCESSES = table("processes.json");
export const STYLE_ROW = PROCESSES.find((row) => row.process.startsWith("style/"));

// Lets every name below .test, and of this machine, be this machine, as a hosts file would.
const resolve = dns.lookup;
dns.lookup = (host, ...rest) => resolve(/(\.test|localhost)$/.test(host) ? "127.0.0.1" : host, ...rest);

let passed = 0;
export async function check(name, body) {
  await body();
  passed += 1;
  console.log("ok", name);
}

// Ends the report with the count, and the program, which the client's connections would keep alive.
export function finish() {
  console.log(passed, "checks passed");
  process.exit(0);
}

export async function refused(status, code, call) {
  await assert.rejects(call, (error) => {
    assert.deepEqual([error.status, error.code], [status, code], error);
    assert.equal(error.requestId.length, 24);
    return true;
  });
}

export function clientOf(options) {
  return new OSS({ ...key, endpoint, ...options });
}

// A request of no client in particular.
export async function fetched(url, options) {
  const answer = await fetch(url, options);
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, type: answer.headers.get("content-type"), body };
}

// Holds a processed answer against its row of the table.
export function checkAnswer(row, body, type) {
  assert.equal(type, row.type, row.process);
  if (row.json) {
    const told = JSON.parse(body);
    for (const [name, value] of Object.entries(row.json)) assert.deepEqual(told[name], value, row.process);
    return;
  }
  assert.deepEqual(pictureHeader(body), { type: row.type, size: row.size }, row.process);
}
