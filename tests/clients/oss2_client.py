"""oss2, unmodified, against a server: see checks.py for how it is started.

The calls run with V1 signatures and in path style; oss2_callers.py runs those that differ under every
other signature and form of address.
"""

import os
import tempfile
import time

import oss2

import checks
from checks import KEYS, PROCESSES, STYLE, check, check_answer, refused
from oss2_callbacks import callbacks
from oss2_callers import SERVER_ERROR, keys_of, refusals, variants


def buckets(place, auth):
    service = oss2.Service(auth, place.endpoint)
    bucket = oss2.Bucket(auth, place.endpoint, "oss2-buckets")
    with check("bucket: made, made again, listed over pages"):
        bucket.create_bucket()
        bucket.create_bucket(oss2.BUCKET_ACL_PRIVATE)
        oss2.Bucket(auth, place.endpoint, "oss2-buckets-b").create_bucket(oss2.BUCKET_ACL_PUBLIC_READ)
        listed = [found.name for found in oss2.BucketIterator(service, prefix="oss2-buckets", max_keys=1)]
        assert listed == ["oss2-buckets", "oss2-buckets-b"], listed
        first = service.list_buckets(prefix="oss2-buckets").buckets[0]
        assert first.location == "oss-cn-hangzhou" and abs(first.creation_date - time.time()) < 600
    with check("bucket: info, location, statistics"):
        info = bucket.get_bucket_info()
        assert (info.name, info.acl.grant, info.storage_class) == ("oss2-buckets", "private", "Standard")
        assert info.owner.id and info.extranet_endpoint and info.creation_date
        assert info.bucket_encryption_rule.sse_algorithm is None
        assert bucket.get_bucket_location().location == "oss-cn-hangzhou"
        bucket.put_object("one.txt", b"12345")
        stat = bucket.get_bucket_stat()
        assert (stat.object_count, stat.storage_size_in_bytes) == (1, 5)
        assert (stat.standard_object_count, stat.archive_object_count) == (1, 0)
        assert abs(stat.last_modified_time - time.time()) < 600
    with check("bucket: ACL"):
        assert bucket.get_bucket_acl().acl == "private"
        bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ_WRITE)
        assert bucket.get_bucket_acl().acl == "public-read-write"
    with check("bucket: CORS rules, and documents that none has"):
        with refused(oss2.exceptions.NoSuchCors):
            bucket.get_bucket_cors()
        rule = oss2.models.CorsRule(allowed_origins=["*"], allowed_methods=["GET"], max_age_seconds=60)
        bucket.put_bucket_cors(oss2.models.BucketCors([rule]))
        assert bucket.get_bucket_cors().rules[0].allowed_methods == ["GET"]
        bucket.delete_bucket_cors()
        with refused(oss2.exceptions.NoSuchWebsite):
            bucket.get_bucket_website()
        with refused(oss2.exceptions.NoSuchLifecycle):
            bucket.get_bucket_lifecycle()
    with check("bucket: deleted when empty"):
        with refused(oss2.exceptions.BucketNotEmpty):
            bucket.delete_bucket()
        bucket.delete_object("one.txt")
        bucket.delete_bucket()
        with refused(oss2.exceptions.NoSuchBucket):
            bucket.get_bucket_info()
        oss2.Bucket(auth, place.endpoint, "oss2-buckets-b").delete_bucket()


def objects(bucket):
    with check("object: put, get, head, metadata, content headers"):
        headers = {"Content-Type": "text/x-test", "Cache-Control": "max-age=60", "x-oss-meta-Author": "alice"}
        headers |= {"Content-Disposition": 'attachment; filename="a.txt"', "Content-Language": "zh-CN"}
        headers["x-oss-meta-title"] = "图片".encode()
        put = bucket.put_object("meta.txt", "hello", headers=headers)
        assert put.etag == "5D41402ABC4B2A76B9719D911017C592" and put.crc
        for got in (bucket.get_object("meta.txt"), bucket.head_object("meta.txt")):
            assert (got.content_type, got.content_length, got.etag) == ("text/x-test", 5, put.etag)
            assert got.headers["Cache-Control"] == "max-age=60" and got.headers["Content-Language"] == "zh-CN"
            assert got.headers["Content-Disposition"] == 'attachment; filename="a.txt"'
            assert got.headers["x-oss-meta-author"] == "alice" and got.object_type == "Normal"
            assert got.headers["x-oss-meta-title"].encode("latin-1").decode() == "图片"
            assert abs(got.last_modified - time.time()) < 600
        assert bucket.get_object("meta.txt").read() == b"hello"
        meta = bucket.get_object_meta("meta.txt")
        assert (meta.content_length, meta.etag) == (5, put.etag)
    with check("object: metadata replaced"):
        bucket.update_object_meta("meta.txt", {"x-oss-meta-author": "bob"})
        headers = bucket.head_object("meta.txt").headers
        assert headers["x-oss-meta-author"] == "bob" and "x-oss-meta-title" not in headers
    with check("object: a body of chunks"):
        bucket.put_object("chunks.txt", iter([b"one ", b"two"]))
        assert bucket.get_object("chunks.txt").read() == b"one two"
    with check("object: overrides of headers"):
        got = bucket.get_object("meta.txt", params={"response-content-type": "text/css", "response-expires": "never"})
        assert got.headers["Content-Type"] == "text/css" and got.headers["Expires"] == "never"
        name = 'attachment; filename="图片.txt"'
        got = bucket.get_object("meta.txt", params={"response-content-disposition": name})
        assert got.headers["Content-Disposition"].encode("latin-1").decode() == name
    with check("object: not overwritten where forbidden"):
        with refused(SERVER_ERROR, status=409, code="FileAlreadyExists"):
            bucket.put_object("meta.txt", "other", headers={"x-oss-forbid-overwrite": "true"})
    with check("object: a wrong Content-MD5 is told"):
        with refused(oss2.exceptions.InvalidDigest):
            bucket.put_object("md5.txt", "hello", headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
        assert not bucket.object_exists("md5.txt")
    with check("object: ranges"):
        bucket.put_object("digits.txt", b"0123456789")
        for byte_range, expected in [((2, 4), b"234"), ((7, None), b"789"), ((None, 2), b"89"), ((8, 99), b"89")]:
            part = bucket.get_object("digits.txt", byte_range=byte_range)
            assert (part.status, part.read()) == (206, expected)
        assert bucket.get_object("digits.txt", byte_range=(50, 60)).read() == b"0123456789"
        with refused(SERVER_ERROR, status=416, code="InvalidRange"):
            bucket.get_object("digits.txt", byte_range=(50, 60), headers={"x-oss-range-behavior": "standard"})
    with check("object: conditions"):
        etag = bucket.head_object("digits.txt").etag
        past, future = oss2.http_date(1e9), oss2.http_date(time.time() + 3600)
        for headers in ({"If-None-Match": etag}, {"If-Modified-Since": future}):
            with refused(oss2.exceptions.NotModified):
                bucket.get_object("digits.txt", headers=headers)
        for headers in ({"If-Match": "0"}, {"If-Unmodified-Since": past}):
            with refused(oss2.exceptions.PreconditionFailed):
                bucket.get_object("digits.txt", headers=headers)
        assert bucket.get_object("digits.txt", headers={"If-Match": etag, "If-Modified-Since": past}).status == 200
    with check("object: missing, told with code and EC also to HEAD"):
        with refused(oss2.exceptions.NoSuchKey, ec="0026-00000001"):
            bucket.get_object("missing")
        with refused(SERVER_ERROR, status=404, code="NoSuchKey", ec="0026-00000001"):
            bucket.head_object("missing")
        assert not bucket.object_exists("missing") and bucket.object_exists("digits.txt")
        assert bucket.delete_object("missing").status == 204
    with check("object: ACL"):
        assert bucket.get_object_acl("digits.txt").acl == "default"
        bucket.put_object_acl("digits.txt", oss2.OBJECT_ACL_PUBLIC_READ)
        assert bucket.get_object_acl("digits.txt").acl == "public-read"
    with check("object: appended"):
        first = bucket.append_object("log.txt", 0, b"one ", init_crc=0)
        second = bucket.append_object("log.txt", first.next_position, b"two", init_crc=first.crc)
        assert second.next_position == 7 and bucket.get_object("log.txt").read() == b"one two"
        assert bucket.head_object("log.txt").object_type == "Appendable"
        with refused(oss2.exceptions.PositionNotEqualToLength, next_position=7):
            bucket.append_object("log.txt", 3, b"late")
        with refused(oss2.exceptions.ObjectNotAppendable):
            bucket.append_object("digits.txt", 10, b"late")


def names(bucket):
    with check("names: awkward keys are put, read, listed, copied and deleted"):
        for key in KEYS:
            bucket.put_object("names/" + key, key.encode())
        assert sorted(keys_of(bucket, prefix="names/", max_keys=2)) == sorted("names/" + key for key in KEYS)
        for key in KEYS:
            assert bucket.get_object("names/" + key).read() == key.encode()
            bucket.copy_object(bucket.bucket_name, "names/" + key, "copies/" + key)
            assert bucket.get_object("copies/" + key).read() == key.encode()
        deleted = bucket.batch_delete_objects(["copies/" + key for key in KEYS] + ["copies/none"])
        assert len(deleted.deleted_keys) == len(KEYS) + 1 and keys_of(bucket, prefix="copies/") == []


def copies(bucket):
    with check("copy: keeps or replaces metadata, judges conditions"):
        etag = bucket.put_object("from.txt", "source", headers={"x-oss-meta-a": "1", "Content-Type": "text/x-a"}).etag
        assert bucket.copy_object(bucket.bucket_name, "from.txt", "to.txt").etag == etag
        kept = bucket.head_object("to.txt")
        assert kept.headers["x-oss-meta-a"] == "1" and kept.content_type == "text/x-a"
        replace = {"x-oss-metadata-directive": "REPLACE", "x-oss-meta-b": "2"}
        bucket.copy_object(bucket.bucket_name, "from.txt", "to.txt", headers=replace)
        assert bucket.head_object("to.txt").headers.get("x-oss-meta-a") is None
        with refused(oss2.exceptions.PreconditionFailed):
            bucket.copy_object(bucket.bucket_name, "from.txt", "to.txt", headers={"x-oss-copy-source-if-match": "0"})
        with refused(oss2.exceptions.NoSuchKey):
            bucket.copy_object(bucket.bucket_name, "missing", "to.txt")


def listings(bucket):
    with check("list: V1 and V2 with prefix, delimiter and pages of two"):
        made = [f"list/{name}" for name in ("a", "b/1", "b/2", "c", "d/1", "e", "汉/1")]
        for key in made:
            bucket.put_object(key, b"")
        assert keys_of(bucket, prefix="list/", max_keys=2) == made
        folded = [f"list/{name}" for name in ("a", "b/", "c", "d/", "e", "汉/")]
        assert keys_of(bucket, prefix="list/", delimiter="/", max_keys=2) == folded
        for delimiter, expected in (("", made), ("/", folded)):
            pages = oss2.ObjectIteratorV2(bucket, prefix="list/", delimiter=delimiter, max_keys=2, fetch_owner=True)
            found = list(pages)
            assert [one.key for one in found] == expected
            assert all(one.is_prefix() or one.owner.id for one in found)
        assert keys_of(bucket, prefix="list/", marker="list/c") == made[4:]
        after = bucket.list_objects_v2(prefix="list/", start_after="list/c")
        assert [one.key for one in after.object_list] == made[4:] and not after.is_truncated
        one = bucket.list_objects(prefix="list/a").object_list[0]
        assert (one.size, one.type, one.storage_class) == (0, "Normal", "Standard") and one.etag and one.last_modified


def multipart(bucket):
    with check("multipart: parts listed, completed in order, read back"):
        upload = bucket.init_multipart_upload("parts.bin", headers={"x-oss-meta-a": "1"}).upload_id
        data = [os.urandom(100 * 1024), os.urandom(100 * 1024), b"end"]
        put = enumerate((bucket.upload_part("parts.bin", upload, n + 1, part) for n, part in enumerate(data)), 1)
        parts = [oss2.models.PartInfo(n, part.etag, size=len(data[n - 1]), part_crc=part.crc) for n, part in put]
        listed = list(oss2.PartIterator(bucket, "parts.bin", upload, max_parts=2))
        facts = lambda all_parts: [(one.part_number, one.size, one.etag) for one in all_parts]
        assert facts(listed) == facts(parts)
        uploads = oss2.MultipartUploadIterator(bucket, prefix="parts", max_uploads=1)
        assert [one.upload_id for one in uploads] == [upload]
        done = bucket.complete_multipart_upload("parts.bin", upload, parts)
        assert done.etag.endswith("-3") and done.crc
        got = bucket.get_object("parts.bin")
        assert got.read() == b"".join(data) and got.object_type == "Multipart" and got.headers["x-oss-meta-a"] == "1"
    with check("multipart: a part copied from an object"):
        upload = bucket.init_multipart_upload("copied.bin").upload_id
        etag = bucket.upload_part_copy(bucket.bucket_name, "parts.bin", (0, 99), "copied.bin", upload, 1).etag
        bucket.complete_multipart_upload("copied.bin", upload, [oss2.models.PartInfo(1, etag)])
        assert bucket.get_object("copied.bin").read() == data[0][:100]
    with check("multipart: aborted, and refused afterwards"):
        upload = bucket.init_multipart_upload("never.bin").upload_id
        bucket.upload_part("never.bin", upload, 1, b"x")
        bucket.abort_multipart_upload("never.bin", upload)
        with refused(oss2.exceptions.NoSuchUpload):
            bucket.complete_multipart_upload("never.bin", upload, [oss2.models.PartInfo(1, "0" * 32)])
        assert not bucket.object_exists("never.bin")
    with check("multipart: without parts, as an empty stream ends"):
        upload = bucket.init_multipart_upload("nothing.bin").upload_id
        assert list(oss2.PartIterator(bucket, "nothing.bin", upload)) == []
        bucket.complete_multipart_upload("nothing.bin", upload, [])
        got = bucket.get_object("nothing.bin")
        assert (got.read(), got.object_type) == (b"", "Multipart")
    with check("multipart: resumable upload and download"), tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
        with open(source, "wb") as file:
            file.write(os.urandom(350_000))
        sizes = {"multipart_threshold": 100_000, "part_size": 100_000, "num_threads": 2}
        oss2.resumable_upload(bucket, "resumed.bin", source, store=oss2.ResumableStore(root=folder), **sizes)
        sizes["multiget_threshold"] = sizes.pop("multipart_threshold")
        store = oss2.ResumableDownloadStore(root=folder)
        oss2.resumable_download(bucket, "resumed.bin", target, store=store, **sizes)
        assert open(source, "rb").read() == open(target, "rb").read()


def styles(bucket):
    with check("style: put, read, listed, replaced, deleted"):
        for name in ("zulu", STYLE[0], "alpha"):
            bucket.put_bucket_style(name, STYLE[1])
        style = bucket.get_bucket_style(STYLE[0])
        assert (style.name, style.content) == STYLE and style.create_time.endswith("GMT") and style.last_modify_time
        assert [style.name for style in bucket.list_bucket_style().styles] == ["zulu", STYLE[0], "alpha"]
        bucket.put_bucket_style("zulu", "csdar5324")
        assert bucket.get_bucket_style("zulu").content == "csdar5324"
        for name in ("zulu", "alpha", "none"):
            bucket.delete_bucket_style(name)
        with refused(oss2.exceptions.ServerError, status=404, code="NoSuchStyle"):
            bucket.get_bucket_style("zulu")
        with refused(oss2.exceptions.InvalidArgument):
            bucket.put_bucket_style("no name", STYLE[1])
        with refused(SERVER_ERROR, status=400):
            bucket.put_bucket_style("empty", "")


def processed(bucket, place):
    bucket.put_object_from_file("logo.png", place.fixtures / "demo/logo.png")
    bucket.put_object_from_file("图/example.jpg", place.fixtures / "images/example.jpg")
    bucket.put_object_from_file("example.gif", place.fixtures / "images/gif/example.gif")
    original = place.fixture("images/example.jpg")
    bucket.put_object("example.jpg", original, headers={"Content-Type": "image/jpeg"})
    for row in PROCESSES:
        with check(f"process: {row['process']}"):
            got = bucket.get_object(row.get("object", "example.jpg"), process=row["process"])
            check_answer(row, got.read(), got.content_type)
    with check("process: files, whose CRC the client checks"), tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "target")
        bucket.get_object_to_file("example.jpg", target)
        assert open(target, "rb").read() == original
        first = bucket.get_object("图/example.jpg", process=PROCESSES[0]["process"]).read()
        bucket.get_object_to_file("图/example.jpg", target, process=PROCESSES[0]["process"])
        assert open(target, "rb").read() == first
    with check("process: posted and not saved"):
        body = "x-oss-process=image/resize,w_120/format,png"
        got = bucket._do("POST", bucket.bucket_name, "example.jpg", params={"x-oss-process": ""}, data=body)
        check_answer({"process": body, "type": "image/png", "size": [120, 80]}, got.read(), got.headers["Content-Type"])
    with check("process: a style behind the key"):
        row = next(row for row in PROCESSES if row["process"].startswith("style/"))
        for separator in ("@!", "!"):
            got = bucket.get_object(f"example.jpg{separator}{STYLE[0]}")
            check_answer(row, got.read(), got.content_type)
    with check("process: saved as another object, in this bucket and in another"):
        other = oss2.Bucket(bucket.auth, place.endpoint, "oss2-other")
        other.create_bucket()
        encoded = oss2.utils.b64encode_as_string
        process = f"image/resize,m_fixed,w_100,h_100|sys/saveas,o_{encoded('out/结果.jpg')}"
        for target, name in ((bucket, ""), (other, "oss2-other")):
            saved = bucket.process_object("example.jpg", process + (f",b_{encoded(name)}" if name else ""))
            got = target.get_object("out/结果.jpg")
            body = got.read()
            assert (saved.bucket, saved.object, saved.process_status) == (name, "out/结果.jpg", "OK")
            assert saved.fileSize == len(body)
            check_answer({"process": process, "type": "image/jpeg", "size": [100, 100]}, body, got.content_type)
        with refused(oss2.exceptions.NoSuchBucket):
            bucket.process_object("example.jpg", f"{process},b_{encoded('oss2-nowhere')}")
    with check("process: mistakes are told"):
        with refused(oss2.exceptions.InvalidArgument, ec="0040-00000312"):
            bucket.get_object("example.jpg", process="image/resize,w_0")
        with refused(SERVER_ERROR, status=400):
            bucket.get_object("example.jpg", process="image/nothing")
        with refused(SERVER_ERROR, status=404, code="NoSuchStyle"):
            bucket.get_object("example.jpg", process="style/none")
        with refused(SERVER_ERROR, status=404, code="Imm Client"):
            bucket.async_process_object("example.jpg", "image/resize,w_100")


def main():
    checks.made_up_hosts()
    place = checks.Place.of_arguments()
    auth = oss2.Auth(*place.key)
    buckets(place, auth)
    bucket = oss2.Bucket(auth, place.endpoint, "oss2-objects")
    bucket.create_bucket()
    objects(bucket)
    names(bucket)
    copies(bucket)
    listings(bucket)
    multipart(bucket)
    callbacks(bucket)
    styles(bucket)
    processed(bucket, place)
    variants(place)
    refusals(place)
    checks.finish()


if __name__ == "__main__":
    main()
