// ali-oss, unmodified, against a server: see checks.mjs for how it is started.
//
// The calls run on an IP endpoint, where this client sends the Host of the public service;
// ali_oss_callers.mjs runs those that differ in every other form of address and with V4 signatures.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { callbacks } from "./ali_oss_callbacks.mjs";
import { forms, refusals, variants } from "./ali_oss_callers.mjs";
import {
  KEYS, PROCESSES, STYLE_ROW, check, checkAnswer, clientOf, finish, fixture, fixturePath, refused,
} from "./checks.mjs";

// Everything that the pages of a listing hold; `next` names what leads from one to the next.
async function pages(list, query, next) {
  const found = [];
  for (let more = {}; more; ) {
    const page = await list({ ...query, ...more });
    found.push(...[...page.objects.map((one) => one.name), ...(page.prefixes ?? [])].sort());
    more = page.isTruncated ? next(page) : null;
  }
  return found;
}

async function buckets(client) {
  const name = "ali-buckets";
  await check("bucket: made, listed over pages", async () => {
    assert.equal((await client.putBucket(name, { acl: "private", storageClass: "Standard" })).bucket, name);
    await client.putBucket(`${name}-b`);
    const first = await client.listBuckets({ prefix: name, "max-keys": 1 });
    assert.ok(first.isTruncated && first.owner.id);
    const second = await client.listBuckets({ prefix: name, "max-keys": 1, marker: first.nextMarker });
    assert.deepEqual([...first.buckets, ...second.buckets].map((one) => one.name), [name, `${name}-b`]);
    assert.equal(first.buckets[0].region, "oss-cn-hangzhou");
  });
  await check("bucket: info, location, statistics", async () => {
    const { bucket } = await client.getBucketInfo(name);
    assert.deepEqual([bucket.Name, bucket.AccessControlList.Grant, bucket.StorageClass], [name, "private", "Standard"]);
    assert.equal((await client.getBucketLocation(name)).location, "oss-cn-hangzhou");
    client.useBucket(name);
    await client.put("one.txt", Buffer.from("12345"));
    const { stat } = await client.getBucketStat(name);
    assert.deepEqual([stat.ObjectCount, stat.Storage], ["1", "5"]);
  });
  await check("bucket: ACL", async () => {
    assert.equal((await client.putBucketACL(name, "public-read")).bucket, name);
    assert.equal((await client.getBucketACL(name)).acl, "public-read");
    await client.putBucketACL(`${name}-c`, "private");
    await client.deleteBucket(`${name}-c`);
  });
  await check("bucket: CORS rules", async () => {
    await refused(404, "NoSuchCORSConfiguration", () => client.getBucketCORS(name));
    await client.putBucketCORS(name, [{ allowedOrigin: "*", allowedMethod: ["GET", "PUT"], maxAgeSeconds: 60 }]);
    assert.deepEqual((await client.getBucketCORS(name)).rules[0].allowedMethod, ["GET", "PUT"]);
    await client.deleteBucketCORS(name);
  });
  await check("bucket: deleted when empty", async () => {
    await refused(409, "BucketNotEmpty", () => client.deleteBucket(name));
    await client.delete("one.txt");
    await client.deleteBucket(name);
    await client.deleteBucket(`${name}-b`);
    await refused(404, "NoSuchBucket", () => client.getBucketInfo(name));
  });
}

async function objects(client) {
  await check("object: put, get, head, metadata, content headers", async () => {
    const headers = { "Content-Type": "text/x-test", "Cache-Control": "max-age=60", "Content-Language": "zh-CN" };
    const put = await client.put("meta.txt", Buffer.from("hello"), { headers, meta: { Author: "alice" } });
    assert.equal(put.res.headers.etag, '"5D41402ABC4B2A76B9719D911017C592"');
    const got = await client.get("meta.txt");
    const head = await client.head("meta.txt");
    assert.equal(got.content.toString(), "hello");
    assert.deepEqual(head.meta, { author: "alice" });
    for (const { res } of [got, head]) {
      assert.equal(res.headers["content-type"], "text/x-test");
      assert.equal(res.headers["cache-control"], "max-age=60");
      assert.equal(res.headers["content-language"], "zh-CN");
      assert.equal(res.headers["content-length"], "5");
    }
    const meta = await client.getObjectMeta("meta.txt");
    assert.equal(meta.res.headers.etag, put.res.headers.etag);
  });
  await check("object: metadata in UTF-8", async () => {
    const utf8 = clientOf({ bucket: client.options.bucket, headerEncoding: "latin1" });
    await utf8.put("title.txt", Buffer.from("x"), { meta: { title: "图片" } });
    const { title } = (await utf8.head("title.txt")).meta;
    assert.equal(Buffer.from(title, "latin1").toString(), "图片");
  });
  await check("object: metadata replaced", async () => {
    await client.putMeta("meta.txt", { second: "2" });
    assert.deepEqual((await client.head("meta.txt")).meta, { second: "2" });
  });
  await check("object: streams and files", async () => {
    await client.putStream("stream.txt", Readable.from([Buffer.from("one "), Buffer.from("two")]));
    const { stream } = await client.getStream("stream.txt");
    assert.equal(Buffer.concat(await stream.toArray()).toString(), "one two");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ali-"));
    await client.put("file.jpg", fixturePath("images/example.jpg"));
    await client.get("file.jpg", path.join(folder, "file.jpg"));
    assert.deepEqual(fs.readFileSync(path.join(folder, "file.jpg")), fixture("images/example.jpg"));
    fs.rmSync(folder, { recursive: true });
  });
  await check("object: ranges and conditions", async () => {
    const { res } = await client.put("digits.txt", Buffer.from("0123456789"));
    const part = await client.get("digits.txt", { headers: { Range: "bytes=2-4" } });
    assert.deepEqual([part.res.status, part.content.toString()], [206, "234"]);
    const same = await client.get("digits.txt", { headers: { "If-None-Match": res.headers.etag } });
    assert.equal(same.res.status, 304);
    await refused(412, "PreconditionFailed", () => client.get("digits.txt", { headers: { "If-Match": '"0"' } }));
    await refused(412, "PreconditionFailed", () => client.head("digits.txt", { headers: { "If-Match": '"0"' } }));
  });
  await check("object: missing", async () => {
    await refused(404, "NoSuchKey", () => client.get("missing"));
    await refused(404, "NoSuchKey", () => client.head("missing"));
    assert.equal((await client.delete("missing")).res.status, 204);
  });
  await check("object: ACL", async () => {
    assert.equal((await client.getACL("digits.txt")).acl, "default");
    await client.putACL("digits.txt", "public-read");
    assert.equal((await client.getACL("digits.txt")).acl, "public-read");
  });
  await check("object: appended", async () => {
    const { nextAppendPosition } = await client.append("log.txt", Buffer.from("one "));
    await client.append("log.txt", Buffer.from("two"), { position: nextAppendPosition });
    assert.equal((await client.get("log.txt")).content.toString(), "one two");
    const late = () => client.append("log.txt", Buffer.from("late"), { position: 3 });
    await refused(409, "PositionNotEqualToLength", late);
  });
  await check("object: copied", async () => {
    await client.put("from 汉+.txt", Buffer.from("source"), { meta: { a: "1" } });
    await client.copy("to.txt", "from 汉+.txt");
    assert.deepEqual((await client.head("to.txt")).meta, { a: "1" });
    await client.copy("to.txt", "from 汉+.txt", client.options.bucket, { meta: { b: "2" } });
    assert.deepEqual((await client.head("to.txt")).meta, { b: "2" });
    await refused(404, "NoSuchKey", () => client.copy("to.txt", "missing"));
  });
}

async function namesAndListings(client) {
  await check("names: awkward keys are put, read, listed and deleted", async () => {
    for (const key of KEYS) {
      await client.put(`names/${key}`, Buffer.from(key));
      assert.equal((await client.get(`names/${key}`)).content.toString(), key);
    }
    const names = KEYS.map((key) => `names/${key}`).sort();
    assert.deepEqual((await client.list({ prefix: "names/" })).objects.map((one) => one.name).sort(), names);
    assert.deepEqual((await client.deleteMulti([...names, "none"])).deleted.map((one) => one.Key), [...names, "none"]);
    assert.deepEqual((await client.deleteMulti(names, { quiet: true })).deleted, []);
  });
  await check("list: V1 and V2 with prefix, delimiter and pages of two", async () => {
    const made = ["a", "b/1", "b/2", "c", "d/1", "e", "汉/1"].map((name) => `list/${name}`);
    const folded = ["a", "b/", "c", "d/", "e", "汉/"].map((name) => `list/${name}`);
    for (const key of made) await client.put(key, Buffer.from("x"));
    for (const [delimiter, expected] of [["", made], ["/", folded]]) {
      const query = { prefix: "list/", delimiter, "max-keys": 2 };
      const first = await pages((q) => client.list(q), query, (page) => ({ marker: page.nextMarker }));
      const next = (page) => ({ "continuation-token": page.nextContinuationToken });
      const second = await pages((q) => client.listV2(q), query, next);
      assert.deepEqual([first, second], [expected, expected]);
    }
    const [one] = (await client.list({ prefix: "list/a" })).objects;
    assert.deepEqual([one.size, one.type, one.storageClass], [1, "Normal", "Standard"]);
    assert.ok(one.owner.id && one.etag && !Number.isNaN(Date.parse(one.lastModified)));
  });
}

async function multipart(client) {
  const content = Buffer.from(Array.from({ length: 350_000 }, (_, n) => (n * 7919) % 251));
  await check("multipart: parts listed, completed, read back", async () => {
    const { uploadId } = await client.initMultipartUpload("parts.bin", { meta: { a: "1" } });
    const bounds = [[0, 102400], [102400, 204800], [204800, content.length]];
    const done = [];
    for (const [n, [start, end]] of bounds.entries()) {
      const { etag } = await client.uploadPart("parts.bin", uploadId, n + 1, content, start, end);
      done.push({ number: n + 1, etag });
    }
    const { parts, isTruncated } = await client.listParts("parts.bin", uploadId, { "max-parts": 2 });
    assert.deepEqual(parts.map((part) => part.ETag), done.slice(0, 2).map((part) => part.etag));
    assert.equal(isTruncated, "true");
    const { uploads } = await client.listUploads({ "max-uploads": 10 });
    assert.deepEqual(uploads.map((one) => [one.name, one.uploadId]), [["parts.bin", uploadId]]);
    assert.ok((await client.completeMultipartUpload("parts.bin", uploadId, done)).etag.endsWith('-3"'));
    const got = await client.get("parts.bin");
    assert.deepEqual([got.content, got.res.headers["x-oss-meta-a"]], [content, "1"]);
  });
  await check("multipart: helpers for files and copies", async () => {
    const source = path.join(os.tmpdir(), `ali-${process.pid}`);
    fs.writeFileSync(source, content);
    await client.multipartUpload("汉/helped.bin", source, { partSize: 102400, parallel: 2 });
    fs.rmSync(source);
    const from = { sourceKey: "汉/helped.bin", sourceBucketName: client.options.bucket };
    await client.multipartUploadCopy("copied.bin", from, { partSize: 102400 });
    assert.deepEqual((await client.get("copied.bin")).content, content);
  });
  await check("multipart: without parts, as an empty stream ends", async () => {
    const { uploadId } = await client.initMultipartUpload("nothing.bin");
    await client.completeMultipartUpload("nothing.bin", uploadId, []);
    assert.equal((await client.get("nothing.bin")).content.length, 0);
  });
  await check("multipart: aborted, and refused afterwards", async () => {
    const { uploadId } = await client.initMultipartUpload("never.bin");
    await client.abortMultipartUpload("never.bin", uploadId);
    await refused(404, "NoSuchUpload", () => client.listParts("never.bin", uploadId));
  });
}

// This client has no calls for styles: a request by its own machinery puts the one that the table names.
async function putStyle(client) {
  await client.request({
    method: "PUT",
    bucket: client.options.bucket,
    subres: { style: "", styleName: "small" },
    content: "<Style><Content>image/resize,w_50/format,png</Content></Style>",
    mime: "xml",
    successStatuses: [200],
  });
}

async function processed(client) {
  await client.put("logo.png", fixturePath("demo/logo.png"));
  await client.put("example.gif", fixture("images/gif/example.gif"));
  await client.put("example.jpg", fixture("images/example.jpg"));
  await putStyle(client);
  for (const row of PROCESSES) {
    await check(`process: ${row.process}`, async () => {
      const got = await client.get(row.object ?? "example.jpg", { process: row.process });
      checkAnswer(row, got.content, got.res.headers["content-type"]);
    });
  }
  await check("process: a stream and a style behind the key", async () => {
    const { stream } = await client.getStream("example.jpg", { process: PROCESSES[0].process });
    const { content } = await client.get("example.jpg", { process: PROCESSES[0].process });
    assert.deepEqual(Buffer.concat(await stream.toArray()), content);
    const got = await client.get("example.jpg@!small");
    checkAnswer(STYLE_ROW, got.content, got.res.headers["content-type"]);
  });
  await check("process: saved as another object", async () => {
    for (const bucket of [undefined, client.options.bucket]) {
      const target = "out/结果>?.jpg";
      const saved = await client.processObjectSave("example.jpg", target, "image/resize,m_fixed,w_100,h_100", bucket);
      assert.equal(JSON.parse(saved.res.data).status, "OK");
      const got = await client.get(target);
      checkAnswer({ type: "image/jpeg", size: [100, 100] }, got.content, got.res.headers["content-type"]);
      await client.delete(target);
    }
  });
  await check("process: mistakes are told", async () => {
    await refused(400, "InvalidArgument", () => client.get("example.jpg", { process: "image/resize,w_0" }));
    await refused(404, "NoSuchStyle", () => client.get("example.jpg", { process: "style/none" }));
  });
}

const client = clientOf({});
await buckets(client);
await client.putBucket("ali-objects");
client.useBucket("ali-objects");
await objects(client);
await namesAndListings(client);
await multipart(client);
await callbacks(client);
await processed(client);
await forms(client);
await variants();
await refusals();
finish();
