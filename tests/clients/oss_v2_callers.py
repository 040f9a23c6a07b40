"""The part of the client alibabacloud-oss-v2 about who asks and from where; and what both parts use."""

import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import alibabacloud_oss_v2 as oss

from checks import PROCESSES, check, check_answer, fetch

REGION = "cn-hangzhou"


def client_of(key, endpoint, **options):
    """A client whose credentials are id, secret and perhaps a token; without any, nobody's."""
    known = oss.credentials
    provider = known.StaticCredentialsProvider(*key) if key else known.AnonymousCredentialsProvider()
    return oss.Client(oss.Config(region=REGION, endpoint=endpoint, credentials_provider=provider, **options))


def cause(error):
    """The service's own error inside those of the client."""
    while not isinstance(error, oss.exceptions.ServiceError):
        error = error.unwrap()
    return error


def refused(status, code, call, *arguments, **more):
    try:
        call(*arguments, **more)
    except oss.exceptions.BaseError as error:
        error = cause(error)
        assert (error.status_code, error.code) == (status, code), error
        assert len(error.request_id) == 24 and error.timestamp, error
        return error
    raise AssertionError(f"not refused: {status} {code}")


def keys_of(client, bucket, **listing):
    """Keys and common prefixes of all pages of both kinds of listing, which must agree."""
    def found(pages):
        entries = []
        for page in pages:
            keys, prefixes = page.contents or [], page.common_prefixes or []
            entries += sorted([one.key for one in keys] + [one.prefix for one in prefixes])
        return entries

    first = found(client.list_objects_paginator().iter_page(oss.ListObjectsRequest(bucket, **listing)))
    second = found(client.list_objects_v2_paginator().iter_page(oss.ListObjectsV2Request(bucket, **listing)))
    assert first == second, (first, second)
    return first


def read(client, bucket, key, **more):
    got = client.get_object(oss.GetObjectRequest(bucket, key, **more))
    with got.body as body:
        return body.read()


def variants(place):
    """V4 in every form of address, with and without a token: a round trip, and signed URLs."""
    path, base, own = place.endpoint, place.endpoint_named("oss.test"), place.endpoint_named("v2.shop.test")
    forms = [("path", path, {}), ("path option", base, {"use_path_style": True}), ("virtual", base, {})]
    forms.append(("custom domain", own, {"use_cname": True}))
    bucket, row, brief = "v2-shop", PROCESSES[0], []
    client_of(place.key, path).put_bucket(oss.PutBucketRequest(bucket))
    for key, who in ((place.key, "V4"), (place.temporary, "V4 with token")):
        for form, endpoint, options in forms:
            client = client_of(key, endpoint, additional_headers=["content-length", "range"], **options)
            with check(f"{who}, {form}: round trip"):
                client.put_object(oss.PutObjectRequest(bucket, "dir/汉 a+b.txt", body=b"text", metadata={"a": "b  c"}))
                assert read(client, bucket, "dir/汉 a+b.txt", range_header="bytes=1-2") == b"ex"
                assert keys_of(client, bucket, prefix="dir/", delimiter="/") == ["dir/汉 a+b.txt"]
                client.put_object(oss.PutObjectRequest(bucket, "example.jpg", body=place.fixture("images/example.jpg")))
                check_answer(row, read(client, bucket, "example.jpg", process=row["process"]), row["type"])
                client.delete_object(oss.DeleteObjectRequest(bucket, "dir/汉 a+b.txt"))
            with check(f"{who}, {form}: signed URLs"):
                request = oss.PutObjectRequest(bucket, "a b.txt", content_type="text/x-a", metadata={"a": "1"})
                signed = client.presign(request)
                status, _, answer = fetch(signed.url, signed.method, b"signed", signed.signed_headers)
                assert status == 200, answer
                assert fetch(client.presign(oss.GetObjectRequest(bucket, "a b.txt")).url)[2] == b"signed"
                request = oss.GetObjectRequest(bucket, "example.jpg", process=row["process"])
                url = client.presign(request, expires=timedelta(seconds=60)).url
                status, headers, body = fetch(url)
                assert status == 200, body
                check_answer(row, body, headers["Content-Type"])
                status, _, body = fetch(url.replace("w_200", "w_300"))
                assert status == 403 and b"SignatureDoesNotMatch" in body
                brief.append(client.presign(request, expires=timedelta(seconds=2)).url)
    with check("URLs whose time is over"):
        time.sleep(3)
        for url in brief:
            status, _, body = fetch(url)
            assert status == 403 and b"Request has expired." in body, body


def refusals(place):
    bucket, endpoint = "v2-shop", place.endpoint
    get = lambda key, **more: client_of(key, endpoint).get_object(oss.GetObjectRequest(bucket, "example.jpg", **more))
    with check("unknown key, wrong secret, missing and wrong token"):
        refused(403, "InvalidAccessKeyId", get, ("nobody", "secret"))
        refused(403, "SignatureDoesNotMatch", get, (place.key[0], "wrong"))
        refused(403, "InvalidAccessKeyId", get, place.temporary[:2])
        refused(403, "InvalidSecurityToken", get, (*place.temporary[:2], "wrong"))
    with check("a clock that is off"):
        late = format_datetime(datetime.now(timezone.utc) - timedelta(hours=1), usegmt=True)
        refused(403, "RequestTimeTooSkewed", get, place.key, headers={"x-oss-date": late})
    with check("without a key: what is public and what is not"):
        owner, anonymous = client_of(place.key, endpoint), client_of(None, endpoint)
        for key in ("example.jpg", "missing"):
            refused(403, "AccessDenied", anonymous.get_object, oss.GetObjectRequest(bucket, key))
        owner.put_object_acl(oss.PutObjectAclRequest(bucket, "example.jpg", acl="public-read"))
        row = PROCESSES[0]
        check_answer(row, read(anonymous, bucket, "example.jpg", process=row["process"]), row["type"])
        owner.put_bucket_acl(oss.PutBucketAclRequest(bucket, acl="public-read"))
        refused(404, "NoSuchKey", anonymous.get_object, oss.GetObjectRequest(bucket, "missing"))
        refused(403, "AccessDenied", anonymous.put_object, oss.PutObjectRequest(bucket, "new.txt", body=b""))
