"""The part of the client oss2 about who asks and from where: signatures, forms of address, refusals."""

import time
from datetime import datetime, timedelta
from unittest import mock

import oss2
from oss2.credentials import StaticCredentialsProvider

from checks import PROCESSES, STYLE, check, check_answer, fetch, refused

REGION = "cn-hangzhou"
SERVER_ERROR = oss2.exceptions.ServerError


def keys_of(bucket, **listing):
    return [found.key for found in oss2.ObjectIterator(bucket, **listing)]


def variants(place):
    """Every signature in every form of address: a round trip, and signed URLs."""
    key = StaticCredentialsProvider(*place.key)
    temporary = [oss2.StsAuth(*place.temporary, auth_version=version) for version in ("v1", "v2", "v4")]
    auths = [oss2.ProviderAuth(key), oss2.ProviderAuthV2(key), oss2.ProviderAuthV4(key), *temporary]
    path, base, own = place.endpoint, place.endpoint_named("oss.test"), place.endpoint_named("oss2.shop.test")
    forms = [("path", path, {}), ("path option", base, {"is_path_style": True}), ("virtual", base, {})]
    forms.append(("custom domain", own, {"is_cname": True}))
    oss2.Bucket(auths[0], path, "oss2-shop").create_bucket()
    for auth, who in zip(auths, ("V1", "V2", "V4", "V1 with token", "V2 with token", "V4 with token")):
        for form, endpoint, options in forms:
            bucket = oss2.Bucket(auth, endpoint, "oss2-shop", region=REGION, **options)
            with check(f"{who}, {form}: round trip"):
                bucket.put_object("trip/汉 a+b.txt", b"text", headers={"x-oss-meta-a": "b  c"})
                assert bucket.get_object("trip/汉 a+b.txt", byte_range=(1, 2)).read() == b"ex"
                assert keys_of(bucket, prefix="trip/", delimiter="/") == ["trip/汉 a+b.txt"]
                bucket.put_object("example.jpg", place.fixture("images/example.jpg"))
                bucket.put_bucket_style(*STYLE)
                assert bucket.get_bucket_info().extranet_endpoint == endpoint.removeprefix("http://")
                row = PROCESSES[0]
                got = bucket.get_object("example.jpg", process=row["process"], params={"unsigned": "x y+z"})
                check_answer(row, got.read(), got.content_type)
                assert len(bucket.batch_delete_objects(["trip/汉 a+b.txt", "none"]).deleted_keys) == 2
            with check(f"{who}, {form}: signed URLs"):
                for slash_safe in (False, True):
                    headers = {"Content-Type": "text/x-a"}
                    url = bucket.sign_url("PUT", "dir/a b.txt", 60, headers=headers, slash_safe=slash_safe)
                    status, _, answer = fetch(url, "PUT", b"signed", headers)
                    assert status == 200, answer
                    url = bucket.sign_url("GET", "dir/a b.txt", 60, slash_safe=slash_safe)
                    assert fetch(url)[2] == b"signed"
                url = bucket.sign_url("GET", "example.jpg", 60, params={"x-oss-process": row["process"]})
                status, headers, body = fetch(url)
                assert status == 200, body
                check_answer(row, body, headers["Content-Type"])
                status, _, body = fetch(url.replace("w_200", "w_300").replace("w%5F200", "w_300"))
                assert status == 403 and b"SignatureDoesNotMatch" in body
            with check(f"{who}, {form}: a URL whose time is over"):
                long_ago = time.time() - 3600
                with mock.patch("time.time", lambda: long_ago), mock.patch("oss2.auth.datetime", clock(-3600)):
                    url = bucket.sign_url("GET", "example.jpg", 60)
                status, _, body = fetch(url)
                assert status == 403 and b"Request has expired." in body, body


def clock(offset_s):
    """A datetime whose present is off."""

    class Off(datetime):
        @classmethod
        def utcnow(cls):
            return datetime.utcnow() + timedelta(seconds=offset_s)

    return Off


def refusals(place):
    key_id, secret = place.key
    kinds = [(oss2.Auth, "V1"), (oss2.AuthV2, "V2"), (oss2.AuthV4, "V4")]
    for kind, who in kinds:
        bucket = lambda *key: oss2.Bucket(kind(*key), place.endpoint, "oss2-shop", region=REGION)
        with check(f"{who}: unknown key, wrong secret"):
            with refused(SERVER_ERROR, status=403, code="InvalidAccessKeyId"):
                bucket("nobody", secret).get_object("example.jpg")
            with refused(oss2.exceptions.SignatureDoesNotMatch):
                bucket(key_id, "wrong").get_object("example.jpg")
        with check(f"{who}: a temporary key without its token"):
            with refused(SERVER_ERROR, status=403, code="InvalidAccessKeyId"):
                bucket(*place.temporary[:2]).get_object("example.jpg")
        with check(f"{who}: a clock that is off"):
            late = oss2.http_date(time.time() - 3600)
            with mock.patch("oss2.utils.http_date", lambda: late), mock.patch("oss2.auth.datetime", clock(-3600)):
                with refused(SERVER_ERROR, status=403, code="RequestTimeTooSkewed"):
                    bucket(*place.key).get_object("example.jpg")
    with check("a large body is refused with an answer, not a broken line"):
        with refused(oss2.exceptions.SignatureDoesNotMatch):
            bucket = oss2.Bucket(oss2.Auth(key_id, "wrong"), place.endpoint, "oss2-shop")
            bucket.put_object("large.bin", bytes(20_000_000))
    with check("a wrong token"):
        auth = oss2.StsAuth(*place.temporary[:2], "wrong")
        with refused(SERVER_ERROR, status=403, code="InvalidSecurityToken"):
            oss2.Bucket(auth, place.endpoint, "oss2-shop").get_object("example.jpg")
    with check("without a key: what is public and what is not"):
        owner = oss2.Bucket(oss2.Auth(*place.key), place.endpoint, "oss2-shop")
        anonymous = oss2.Bucket(oss2.AnonymousAuth(), place.endpoint, "oss2-shop")
        for key in ("example.jpg", "missing"):
            with refused(oss2.exceptions.AccessDenied):
                anonymous.get_object(key)
        owner.put_object_acl("example.jpg", oss2.OBJECT_ACL_PUBLIC_READ)
        row = PROCESSES[0]
        check_answer(row, anonymous.get_object("example.jpg", process=row["process"]).read(), row["type"])
        owner.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
        with refused(oss2.exceptions.NoSuchKey):
            anonymous.get_object("missing")
        assert "example.jpg" in keys_of(anonymous)
        with refused(oss2.exceptions.AccessDenied):
            anonymous.put_object("new.txt", b"")
        owner.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ_WRITE)
        anonymous.put_object("new.txt", b"")
        with refused(oss2.exceptions.AccessDenied):
            anonymous.put_bucket_acl(oss2.BUCKET_ACL_PRIVATE)
