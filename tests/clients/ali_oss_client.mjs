// ali-oss, unmodified, against a server. Started as the clients in Python are (see checks.py), with
// the folder of the installed packages for a last argument.
//
// The calls run on an IP endpoint, where this client sends the Host of the public service;
// `variants` runs those that differ in every other form of address and with V4 signatures.

import assert from "node:assert/strict";
import dns from "node:dns";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pictureHeader } from "./picture_header.mjs";

const [endpoint, keyText, temporaryText, fixtures, packages] = process.argv.slice(2);
const OSS = createRequire(path.join(packages, "package.json"))("ali-oss");
const [accessKeyId, accessKeySecret] = keyText.split(":");
const [temporaryId, temporarySecret, stsToken] = temporaryText.split(":");
const port = new URL(endpoint).port;
const fixture = (name) => fs.readFileSync(path.join(fixtures, name));
const table = (name) => JSON.parse(fs.readFileSync(new URL(name, import.meta.url)));
const PROCESSES = table("processes.json");
const STYLE_ROW = PROCESSES.find((row) => row.process.startsWith("style/"));
const KEYS = table("keys.json");

// Lets every name below .test, and of this machine, be this machine, as a hosts file would.
const resolve = dns.lookup;
dns.lookup = (host, ...rest) => resolve(host.endsWith(".test") || host.endsWith("localhost") ? "127.0.0.1" : host, ...rest);

let passed = 0;
async function check(name, body) {
  await body();
  passed += 1;
  console.log("ok", name);
}

async function refused(status, code, call) {
  await assert.rejects(call, (error) => {
    assert.deepEqual([error.status, error.code], [status, code], error);
    assert.equal(error.requestId.length, 24);
    return true;
  });
}

function clientOf(options) {
  return new OSS({ accessKeyId, accessKeySecret, endpoint, ...options });
}

// A request of no client in particular.
async function fetched(url, options) {
  const answer = await fetch(url, options);
  return { status: answer.status, type: answer.headers.get("content-type"), body: Buffer.from(await answer.arrayBuffer()) };
}

// Holds a processed answer against its row of the table.
function checkAnswer(row, body, type) {
  assert.equal(type, row.type, row.process);
  if (row.json) {
    const told = JSON.parse(body);
    for (const [name, value] of Object.entries(row.json)) assert.deepEqual(told[name], value, row.process);
    return;
  }
  assert.deepEqual(pictureHeader(body), { type: row.type, size: row.size }, row.process);
}

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
    await client.putBucketACL(name, "public-read");
    assert.equal((await client.getBucketACL(name)).acl, "public-read");
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
    await client.put("file.jpg", path.join(fixtures, "images/example.jpg"));
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
    await refused(409, "PositionNotEqualToLength", () => client.append("log.txt", Buffer.from("late"), { position: 3 }));
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
    assert.deepEqual([parts.map((part) => part.ETag), isTruncated], [done.slice(0, 2).map((part) => part.etag), "true"]);
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
  await check("multipart: aborted, and refused afterwards", async () => {
    const { uploadId } = await client.initMultipartUpload("never.bin");
    await client.abortMultipartUpload("never.bin", uploadId);
    await refused(404, "NoSuchUpload", () => client.listParts("never.bin", uploadId));
  });
}

// This client has no calls for styles: a request of its own machinery puts the one that the table names.
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
  await client.put("logo.png", path.join(fixtures, "demo/logo.png"));
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
      const saved = await client.processObjectSave("example.jpg", "out/结果>?.jpg", "image/resize,m_fixed,w_100,h_100", bucket);
      assert.equal(JSON.parse(saved.res.data).status, "OK");
      const got = await client.get("out/结果>?.jpg");
      checkAnswer({ type: "image/jpeg", size: [100, 100] }, got.content, got.res.headers["content-type"]);
      await client.delete("out/结果>?.jpg");
    }
  });
  await check("process: mistakes are told", async () => {
    await refused(400, "InvalidArgument", () => client.get("example.jpg", { process: "image/resize,w_0" }));
    await refused(404, "NoSuchStyle", () => client.get("example.jpg", { process: "style/none" }));
  });
}

// What a browser posts, with either version of a signed policy.
async function forms(client) {
  const conditions = [{ bucket: client.options.bucket }, ["starts-with", "$key", "form/"]];
  const policy = { expiration: new Date(Date.now() + 60_000).toISOString(), conditions };
  const post = async (key, fields) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ key, success_action_status: "201", ...fields })) form.set(name, value);
    form.set("file", new Blob(["posted"]), "a.txt");
    return fetched(`${endpoint}/${client.options.bucket}`, { method: "POST", body: form });
  };
  await check("form: posted with a policy of version 1", async () => {
    const fields = client.calculatePostSignature(policy);
    assert.equal((await post("form/汉.txt", fields)).status, 201);
    assert.equal((await client.get("form/汉.txt")).content.toString(), "posted");
    assert.equal((await post("elsewhere.txt", fields)).status, 403);
    assert.equal((await post("form/a.txt", { ...fields, Signature: "wrong" })).status, 403);
  });
  await check("form: posted with a policy of version 4", async () => {
    const now = new Date();
    const stamp = now.toISOString().replace(/[-:]|\.\d+/g, "");
    const fields = {
      "x-oss-signature-version": "OSS4-HMAC-SHA256",
      "x-oss-credential": `${accessKeyId}/${stamp.slice(0, 8)}/cn-hangzhou/oss/aliyun_v4_request`,
      "x-oss-date": stamp,
    };
    const signed = { ...policy, conditions: [...conditions, ...Object.entries(fields).map(([name, value]) => ({ [name]: value }))] };
    fields["x-oss-signature"] = client.signPostObjectPolicyV4(signed, now);
    fields.policy = Buffer.from(JSON.stringify(signed)).toString("base64");
    assert.equal((await post("form/v4.txt", fields)).status, 201);
  });
}

// Every form of address with V1 and V4, keys for good and temporary ones: a round trip, and signed URLs.
async function variants() {
  const [bucket, row] = ["ali-shop", PROCESSES[0]];
  await clientOf({}).putBucket(bucket);
  const places = [
    ["IP", {}],
    ["IP with sldEnable", { sldEnable: true }],
    ["localhost with sldEnable", { endpoint: `http://localhost:${port}`, sldEnable: true }],
    ["localhost", { endpoint: `http://localhost:${port}` }],
    ["virtual", { endpoint: `http://oss.test:${port}` }],
    ["custom domain", { endpoint: `http://ali.shop.test:${port}`, cname: true }],
  ];
  const temporary = { accessKeyId: temporaryId, accessKeySecret: temporarySecret, stsToken };
  for (const [who, signing] of [["V1", {}], ["V4", { authorizationV4: true }], ["V1 with token", temporary],
    ["V4 with token", { ...temporary, authorizationV4: true }]]) {
    for (const [place, addressing] of places) {
      const client = clientOf({ bucket, ...signing, ...addressing });
      await check(`${who}, ${place}: round trip`, async () => {
        await client.put("trip/汉 a+b.txt", Buffer.from("text"), { meta: { a: "b  c" } });
        assert.equal((await client.get("trip/汉 a+b.txt", { headers: { Range: "bytes=1-2" } })).content.toString(), "ex");
        assert.deepEqual((await client.list({ prefix: "trip/", marker: "" })).objects.map((one) => one.name), ["trip/汉 a+b.txt"]);
        await client.put("example.jpg", fixture("images/example.jpg"));
        const got = await client.get("example.jpg", { process: row.process });
        checkAnswer(row, got.content, got.res.headers["content-type"]);
        // A custom domain names its bucket always: the service as a whole is not reached by it.
        if (!addressing.cname) assert.ok((await client.listBuckets({ prefix: bucket })).buckets.length > 0);
        assert.equal((await client.deleteMulti(["trip/汉 a+b.txt"])).deleted.length, 1);
      });
      // On an IP this client signs no URL, or one that has no bucket.
      if (place.startsWith("IP")) continue;
      await check(`${who}, ${place}: signed URLs`, async () => {
        const sign = (method, name, more = {}) => (signing.authorizationV4
          ? client.signatureUrlV4(method, more.expires ?? 60, { headers: more.headers, queries: more.queries }, name)
          : client.signatureUrl(name, { method, expires: more.expires ?? 60, process: more.queries?.["x-oss-process"],
            "Content-Type": more.headers?.["Content-Type"] }));
        const local = (url) => url.replace(/\/\/[^/]*/, `//127.0.0.1:${port}/${bucket}`).replace(`${bucket}/${bucket}/`, `${bucket}/`);
        const headers = { "Content-Type": "text/x-a" };
        const put = await fetched(local(await sign("PUT", "a b.txt", { headers })), { method: "PUT", body: "signed", headers });
        assert.equal(put.status, 200, put.body.toString());
        assert.equal((await fetched(local(await sign("GET", "a b.txt")))).body.toString(), "signed");
        const url = local(await sign("GET", "example.jpg", { queries: { "x-oss-process": row.process } }));
        const got = await fetched(url);
        assert.equal(got.status, 200, got.body.toString());
        checkAnswer(row, got.body, got.type);
        assert.match((await fetched(url.replace("w_200", "w_300"))).body.toString(), /SignatureDoesNotMatch/);
      });
    }
  }
}

async function refusals() {
  const bucket = "ali-shop";
  for (const authorizationV4 of [false, true]) {
    await check(`V${authorizationV4 ? 4 : 1}: unknown key, wrong secret, missing and wrong token, a clock that is off`, async () => {
      const get = (options) => () => clientOf({ bucket, authorizationV4, ...options }).get("example.jpg");
      await refused(403, "InvalidAccessKeyId", get({ accessKeyId: "nobody" }));
      await refused(403, "SignatureDoesNotMatch", get({ accessKeySecret: "wrong" }));
      await refused(403, "InvalidAccessKeyId", get({ accessKeyId: temporaryId, accessKeySecret: temporarySecret }));
      await refused(403, "InvalidSecurityToken", get({ accessKeyId: temporaryId, accessKeySecret: temporarySecret, stsToken: "x" }));
      await refused(403, "RequestTimeTooSkewed", get({ amendTimeSkewed: -3_600_000 }));
    });
  }
  await check("URLs whose time is over, and what is public", async () => {
    const client = clientOf({ bucket, endpoint: `http://localhost:${port}`, sldEnable: true });
    assert.match((await fetched(client.signatureUrl("example.jpg", { expires: -60 }))).body.toString(), /Request has expired\./);
    const plain = `${endpoint}/${bucket}/example.jpg`;
    assert.equal((await fetched(plain)).status, 403);
    await client.putACL("example.jpg", "public-read");
    assert.equal((await fetched(plain)).status, 200);
  });
}

const client = clientOf({});
await buckets(client);
await client.putBucket("ali-objects");
client.useBucket("ali-objects");
await objects(client);
await namesAndListings(client);
await multipart(client);
await processed(client);
await forms(client);
await variants();
await refusals();
console.log(passed, "checks passed");
// The client keeps its connections, and with them the program, alive.
process.exit(0);
