"""oss2: uploads with callbacks."""

import base64
import json
import os
import urllib.parse

import oss2

from checks import check, fetch, refused

# A server that tells what it was sent, where its path is /echo.
CALLED = os.environ.get("CALLBACKS", "")


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def of(path, body, **further):
    return encoded({"callbackUrl": CALLED + path, "callbackBody": body} | further)


def callbacks(bucket):
    form = "object=${object}&etag=${etag}&size=${size}&order=${x:order}&kind=${operation}"
    own = encoded({"x:order": "一 & 2"})
    digits = b"123456789"
    expected = {"object": ["called/图 1.txt"], "etag": ["25F9E794323B453885F5181F1B624D0B"], "size": ["9"]}
    expected |= {"order": ["一 & 2"], "kind": ["PutObject"]}
    with check("callback: put, the answer comes as the upload's"):
        headers = {"x-oss-callback": of("/echo", form), "x-oss-callback-var": own}
        put = bucket.put_object("called/图 1.txt", digits, headers=headers)
        told = json.loads(put.resp.read())
        assert urllib.parse.parse_qs(told["body"]) == expected, told
        assert told["type"] == "application/x-www-form-urlencoded"
        assert put.etag == expected["etag"][0] and put.crc
    with check("callback: an upload in parts, JSON"):
        body = '{"object":${object},"size":${size},"kind":${operation},"order":${x:order},"none":${x:none}}'
        parameter = of("/echo", body, callbackBodyType="application/json", callbackHost="shop.example")
        upload = bucket.init_multipart_upload("called.bin").upload_id
        part = oss2.models.PartInfo(1, bucket.upload_part("called.bin", upload, 1, digits).etag)
        headers = {"x-oss-callback": parameter, "x-oss-callback-var": own}
        done = bucket.complete_multipart_upload("called.bin", upload, [part], headers=headers)
        told = json.loads(done.resp.read())
        kind = {"object": "called.bin", "size": 9, "kind": "CompleteMultipartUpload"}
        assert json.loads(told["body"]) == kind | {"order": "一 & 2", "none": None}
        assert told["host"] == "shop.example" and done.etag.endswith("-1")
    with check("callback: in a signed URL"):
        params, kind = {"callback": of("/echo", form), "callback-var": own}, {"Content-Type": "text/x-a"}
        url = bucket.sign_url("PUT", "called/图 1.txt", 60, headers=kind, params=params)
        status, headers, answer = fetch(url, "PUT", digits, kind)
        assert status == 200 and headers["Content-Type"].startswith("application/json"), answer
        assert urllib.parse.parse_qs(json.loads(answer)["body"]) == expected
        status, _, answer = fetch(url.replace("callback-var=", "callback-var=e30"), "PUT", digits, kind)
        assert status == 403 and b"SignatureDoesNotMatch" in answer
    with check("callback: one that fails, one that is not allowed, one that is malformed"):
        put = bucket.put_object("failed.txt", digits, headers={"x-oss-callback": of("/broken", "a=1")})
        assert put.status == 203 and put.etag == expected["etag"][0]
        answer = put.resp.read()
        assert b"<Code>CallbackFailed</Code>" in answer and b"<Message>Error status : 500.</Message>" in answer
        assert bucket.get_object("failed.txt").read() == digits
        wrong = encoded({"callbackUrl": "http://app.example.com/", "callbackBody": "a=1"})
        for parameter in (wrong, "error argument", encoded([])):
            with refused(oss2.exceptions.InvalidArgument, status=400):
                bucket.put_object("refused.txt", digits, headers={"x-oss-callback": parameter})
        assert not bucket.object_exists("refused.txt")
