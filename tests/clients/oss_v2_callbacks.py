"""alibabacloud-oss-v2: uploads with callbacks."""

import json
import urllib.parse

import alibabacloud_oss_v2 as oss

from checks import check, fetch
from oss2_callbacks import encoded, of
from oss_v2_callers import read, refused


def callbacks(client, bucket):
    form = "object=${object}&size=${size}&order=${x:order}&kind=${operation}"
    own = encoded({"x:order": "一 & 2"})
    expected = {"object": ["called/图 1.txt"], "size": ["9"], "order": ["一 & 2"], "kind": ["PutObject"]}
    request = oss.PutObjectRequest(
        bucket, "called/图 1.txt", body=b"123456789", content_type="text/x-a",
        callback=of("/echo", form), callback_var=own)
    with check("callback: put, the answer comes as the upload's"):
        put = client.put_object(request)
        told = json.loads(put.callback_result)
        assert urllib.parse.parse_qs(told["body"]) == expected, told
        assert put.status_code == 200 and put.hash_crc64 and put.etag == '"25F9E794323B453885F5181F1B624D0B"'
    with check("callback: an upload in parts, JSON"):
        upload = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket, "called.bin")).upload_id
        client.upload_part(oss.UploadPartRequest(bucket, "called.bin", part_number=1, upload_id=upload, body=b"1"))
        body = '{"object":${object},"size":${size},"kind":${operation},"order":"<${x:order}>"}'
        done = client.complete_multipart_upload(oss.CompleteMultipartUploadRequest(
            bucket, "called.bin", upload_id=upload, complete_all="yes", callback_var=own,
            callback=of("/echo", body, callbackBodyType="application/json")))
        told = json.loads(json.loads(done.callback_result)["body"])
        assert told == {"object": "called.bin", "size": 1, "kind": "CompleteMultipartUpload", "order": "<一 & 2>"}
    with check("callback: in a signed request"):
        signed = client.presign(request)
        status, _, answer = fetch(signed.url, signed.method, b"123456789", signed.signed_headers)
        assert status == 200 and urllib.parse.parse_qs(json.loads(answer)["body"]) == expected, answer
    with check("callback: one that fails, one that is not allowed"):
        put = client.put_object(oss.PutObjectRequest(bucket, "failed.txt", body=b"1", callback=of("/text", "a=1")))
        assert put.status_code == 203 and "Response body is not valid json format." in put.callback_result
        assert read(client, bucket, "failed.txt") == b"1"
        wrong = encoded({"callbackUrl": "https://app.example.com/", "callbackBody": "a=1"})
        request = oss.PutObjectRequest(bucket, "refused.txt", body=b"1", callback=wrong)
        assert "--callback-host" in refused(400, "InvalidArgument", client.put_object, request).message
        assert not client.is_object_exist(bucket, "refused.txt")
