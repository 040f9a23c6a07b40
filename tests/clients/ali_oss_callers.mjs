// The part of the client for Node about who asks and from where: signatures, forms of address, refusals.

import assert from "node:assert/strict";
import {
  PROCESSES, check, checkAnswer, clientOf, endpoint, fetched, fixture, key, port, refused, temporaryKey,
} from "./checks.mjs";

const BUCKET = "ali-shop";

// What a browser posts, with either version of a signed policy.
export async function forms(client) {
  const conditions = [{ bucket: client.options.bucket }, ["starts-with", "$key", "form/"]];
  const policy = { expiration: new Date(Date.now() + 60_000).toISOString(), conditions };
  const post = async (name, fields) => {
    const form = new FormData();
    const all = { key: name, success_action_status: "201", ...fields };
    for (const [field, value] of Object.entries(all)) form.set(field, value);
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
      "x-oss-credential": `${key.accessKeyId}/${stamp.slice(0, 8)}/cn-hangzhou/oss/aliyun_v4_request`,
      "x-oss-date": stamp,
    };
    const held = Object.entries(fields).map(([name, value]) => ({ [name]: value }));
    const signed = { ...policy, conditions: [...conditions, ...held] };
    fields["x-oss-signature"] = client.signPostObjectPolicyV4(signed, now);
    fields.policy = Buffer.from(JSON.stringify(signed)).toString("base64");
    assert.equal((await post("form/v4.txt", fields)).status, 201);
  });
}

// Every form of address with V1 and V4, keys for good and temporary ones: a round trip, and signed URLs.
export async function variants() {
  const row = PROCESSES[0];
  await clientOf({}).putBucket(BUCKET);
  const places = [
    ["IP", {}],
    ["IP with sldEnable", { sldEnable: true }],
    ["localhost with sldEnable", { endpoint: `http://localhost:${port}`, sldEnable: true }],
    ["localhost", { endpoint: `http://localhost:${port}` }],
    ["virtual", { endpoint: `http://oss.test:${port}` }],
    ["custom domain", { endpoint: `http://ali.shop.test:${port}`, cname: true }],
  ];
  const signatures = [
    ["V1", {}],
    ["V4", { authorizationV4: true }],
    ["V1 with token", temporaryKey],
    ["V4 with token", { ...temporaryKey, authorizationV4: true }],
  ];
  for (const [who, signing] of signatures) {
    for (const [place, addressing] of places) {
      const client = clientOf({ bucket: BUCKET, ...signing, ...addressing });
      await check(`${who}, ${place}: round trip`, async () => {
        await client.put("trip/汉 a+b.txt", Buffer.from("text"), { meta: { a: "b  c" } });
        const part = await client.get("trip/汉 a+b.txt", { headers: { Range: "bytes=1-2" } });
        assert.equal(part.content.toString(), "ex");
        const listed = await client.list({ prefix: "trip/", marker: "" });
        assert.deepEqual(listed.objects.map((one) => one.name), ["trip/汉 a+b.txt"]);
        await client.put("example.jpg", fixture("images/example.jpg"));
        const got = await client.get("example.jpg", { process: row.process });
        checkAnswer(row, got.content, got.res.headers["content-type"]);
        // A custom domain names its bucket always: the service as a whole is not reached by it.
        if (!addressing.cname) assert.ok((await client.listBuckets({ prefix: BUCKET })).buckets.length > 0);
        assert.equal((await client.deleteMulti(["trip/汉 a+b.txt"])).deleted.length, 1);
      });
      // On an IP this client signs no URL, or one that has no bucket.
      if (place.startsWith("IP")) continue;
      await check(`${who}, ${place}: signed URLs`, async () => {
        const sign = (method, name, headers = {}, queries = {}) => (signing.authorizationV4
          ? client.signatureUrlV4(method, 60, { headers, queries }, name)
          : client.signatureUrl(name, { method, expires: 60, process: queries["x-oss-process"], ...headers }));
        const headers = { "Content-Type": "text/x-a" };
        const request = { method: "PUT", body: "signed", headers };
        const put = await fetched(await sign("PUT", "a b.txt", headers), request);
        assert.equal(put.status, 200, put.body.toString());
        assert.equal((await fetched(await sign("GET", "a b.txt"))).body.toString(), "signed");
        const url = await sign("GET", "example.jpg", {}, { "x-oss-process": row.process });
        const got = await fetched(url);
        assert.equal(got.status, 200, got.body.toString());
        checkAnswer(row, got.body, got.type);
        assert.match((await fetched(url.replace("w_200", "w_300"))).body.toString(), /SignatureDoesNotMatch/);
      });
    }
  }
}

export async function refusals() {
  for (const authorizationV4 of [false, true]) {
    const who = `V${authorizationV4 ? 4 : 1}`;
    await check(`${who}: unknown key, wrong secret, missing and wrong token, a clock that is off`, async () => {
      const get = (options) => () => clientOf({ bucket: BUCKET, authorizationV4, ...options }).get("example.jpg");
      await refused(403, "InvalidAccessKeyId", get({ accessKeyId: "nobody" }));
      await refused(403, "SignatureDoesNotMatch", get({ accessKeySecret: "wrong" }));
      await refused(403, "InvalidAccessKeyId", get({ ...temporaryKey, stsToken: undefined }));
      await refused(403, "InvalidSecurityToken", get({ ...temporaryKey, stsToken: "wrong" }));
      await refused(403, "RequestTimeTooSkewed", get({ amendTimeSkewed: -3_600_000 }));
    });
  }
  await check("URLs whose time is over, and what is public", async () => {
    const client = clientOf({ bucket: BUCKET, endpoint: `http://localhost:${port}`, sldEnable: true });
    const late = await fetched(client.signatureUrl("example.jpg", { expires: -60 }));
    assert.match(late.body.toString(), /Request has expired\./);
    const plain = `${endpoint}/${BUCKET}/example.jpg`;
    assert.equal((await fetched(plain)).status, 403);
    await client.putACL("example.jpg", "public-read");
    assert.equal((await fetched(plain)).status, 200);
  });
}
