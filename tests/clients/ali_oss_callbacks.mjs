// ali-oss: uploads with callbacks.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { check, clientOf, fetched, port, refused } from "./checks.mjs";

// A server that tells what it was sent, where its path is /echo.
const CALLED = process.env.CALLBACKS;

export async function callbacks(client) {
  const digits = Buffer.from("123456789");
  const body = "object=${object}&size=${size}&order=${x:order}&kind=${operation}";
  const customValue = { order: "一 & 2" };
  const told = (data) => Object.fromEntries(new URLSearchParams(data.body));
  const expected = { object: "called/图 1.txt", size: "9", order: "一 & 2", kind: "PutObject" };
  const callback = { url: `${CALLED}/echo`, body, customValue };
  await check("callback: put, the answer comes as the upload's", async () => {
    const put = await client.put("called/图 1.txt", digits, { callback });
    assert.deepEqual(told(put.data), expected);
    assert.equal(put.res.headers.etag, '"25F9E794323B453885F5181F1B624D0B"');
  });
  await check("callback: an upload in parts, JSON", async () => {
    const source = path.join(os.tmpdir(), `ali-called-${process.pid}`);
    fs.writeFileSync(source, Buffer.alloc(250_000, 1));
    const json = '{"object":${object},"size":${size},"kind":${operation},"order":${x:order}}';
    const asked = { ...callback, body: json, contentType: "application/json", host: "shop.example" };
    const done = await client.multipartUpload("called.bin", source, { partSize: 102400, callback: asked });
    fs.rmSync(source);
    assert.equal(done.data.host, "shop.example");
    const facts = { object: "called.bin", size: 250_000, kind: "CompleteMultipartUpload", order: "一 & 2" };
    assert.deepEqual(JSON.parse(done.data.body), facts);
  });
  await check("callback: in a signed URL", async () => {
    // On an IP this client signs no URL.
    const { bucket } = client.options;
    const named = clientOf({ bucket, endpoint: `http://localhost:${port}`, sldEnable: true });
    const url = named.signatureUrl("called/图 1.txt", { method: "PUT", expires: 60, callback });
    const put = await fetched(url, { method: "PUT", body: digits });
    assert.deepEqual([put.status, put.type], [200, "application/json; charset=utf-8"], put.body.toString());
    assert.deepEqual(told(JSON.parse(put.body)), expected);
  });
  await check("callback: one that fails, one that is not allowed", async () => {
    const failing = { ...callback, url: `${CALLED}/broken` };
    await refused(203, "CallbackFailed", () => client.put("failed.txt", digits, { callback: failing }));
    assert.deepEqual((await client.get("failed.txt")).content, digits);
    const wrong = { ...callback, url: "http://app.example.com/" };
    await refused(400, "InvalidArgument", () => client.put("refused.txt", digits, { callback: wrong }));
    await refused(404, "NoSuchKey", () => client.get("refused.txt"));
  });
}
