"""alibabacloud-oss-v2, unmodified, against a server: see checks.py for how it is started."""

import os
import tempfile
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import alibabacloud_oss_v2 as oss

import checks
from checks import KEYS, PROCESSES, STYLE, check, check_answer
from oss_v2_callbacks import callbacks
from oss_v2_callers import cause, client_of, keys_of, read, refusals, refused, variants


def buckets(client):
    name = "v2-buckets"
    with check("bucket: made, listed over pages, there or not"):
        assert not client.is_bucket_exist(name)
        configuration = oss.CreateBucketConfiguration(storage_class="Standard")
        client.put_bucket(oss.PutBucketRequest(name, acl="private", create_bucket_configuration=configuration))
        client.put_bucket(oss.PutBucketRequest(f"{name}-b"))
        assert client.is_bucket_exist(name)
        pages = client.list_buckets_paginator(limit=1).iter_page(oss.ListBucketsRequest(prefix=name))
        assert [found.name for page in pages for found in page.buckets] == [name, f"{name}-b"]
    with check("bucket: info, location, statistics"):
        info = client.get_bucket_info(oss.GetBucketInfoRequest(name)).bucket_info
        assert (info.name, info.acl) == (name, "private")
        assert (info.storage_class, info.location) == ("Standard", "oss-cn-hangzhou")
        assert info.owner.id and abs(info.creation_date - datetime.now(timezone.utc)) < timedelta(minutes=10)
        assert client.get_bucket_location(oss.GetBucketLocationRequest(name)).location == "oss-cn-hangzhou"
        client.put_object(oss.PutObjectRequest(name, "one.txt", body=b"12345"))
        stat = client.get_bucket_stat(oss.GetBucketStatRequest(name))
        assert (stat.object_count, stat.storage) == (1, 5)
    with check("bucket: ACL"):
        client.put_bucket_acl(oss.PutBucketAclRequest(name, acl="public-read"))
        assert client.get_bucket_acl(oss.GetBucketAclRequest(name)).acl == "public-read"
    with check("bucket: CORS rules"):
        refused(404, "NoSuchCORSConfiguration", client.get_bucket_cors, oss.GetBucketCorsRequest(name))
        rule = oss.CORSRule(
            allowed_origins=["*"], allowed_methods=["GET", "PUT"], allowed_headers=["X-A"], max_age_seconds=60)
        configuration = oss.CORSConfiguration(cors_rules=[rule])
        client.put_bucket_cors(oss.PutBucketCorsRequest(name, cors_configuration=configuration))
        got = client.get_bucket_cors(oss.GetBucketCorsRequest(name)).cors_configuration.cors_rules[0]
        assert (got.allowed_methods, got.allowed_headers) == (["GET", "PUT"], ["x-a"])
        assert got.max_age_seconds == 60
        preflight = oss.OptionObjectRequest(
            name, "one.txt", origin="http://a.test", access_control_request_method="PUT")
        assert "PUT" in client.option_object(preflight).access_control_allow_methods
        client.delete_bucket_cors(oss.DeleteBucketCorsRequest(name))
    with check("bucket: deleted when empty"):
        refused(409, "BucketNotEmpty", client.delete_bucket, oss.DeleteBucketRequest(name))
        client.delete_object(oss.DeleteObjectRequest(name, "one.txt"))
        for bucket in (name, f"{name}-b"):
            client.delete_bucket(oss.DeleteBucketRequest(bucket))
        refused(404, "NoSuchBucket", client.get_bucket_info, oss.GetBucketInfoRequest(name))


def objects(client, bucket):
    with check("object: put, get, head, metadata, content headers"):
        put = client.put_object(oss.PutObjectRequest(
            bucket, "meta.txt", body="hello", content_type="text/x-test", cache_control="max-age=60",
            content_disposition='attachment; filename="a.txt"', metadata={"Author": "alice", "empty": ""}))
        assert put.etag == '"5D41402ABC4B2A76B9719D911017C592"' and put.hash_crc64 and put.content_md5
        head = client.head_object(oss.HeadObjectRequest(bucket, "meta.txt"))
        for got in (head, client.get_object(oss.GetObjectRequest(bucket, "meta.txt"))):
            assert (got.content_type, got.content_length, got.etag) == ("text/x-test", 5, put.etag)
            assert got.cache_control == "max-age=60" and got.content_disposition == 'attachment; filename="a.txt"'
            assert got.metadata["author"] == "alice" and got.hash_crc64 == put.hash_crc64
            assert (got.object_type, got.storage_class) == ("Normal", "Standard")
            assert abs(got.last_modified - datetime.now(timezone.utc)) < timedelta(minutes=10)
        meta = client.get_object_meta(oss.GetObjectMetaRequest(bucket, "meta.txt"))
        assert (meta.content_length, meta.etag) == (5, put.etag)
    with check("object: metadata beyond ASCII, sent in Latin-1 and signed in UTF-8"):
        client.put_object(oss.PutObjectRequest(bucket, "café.txt", body=b"", metadata={"title": "café"}))
        head = client.head_object(oss.HeadObjectRequest(bucket, "café.txt"))
        assert head.metadata["title"].encode("latin-1").decode() == "café"
    with check("object: a body of chunks"):
        client.put_object(oss.PutObjectRequest(bucket, "chunks.txt", body=iter([b"one ", b"two"])))
        assert read(client, bucket, "chunks.txt") == b"one two"
    with check("object: overrides of headers, forbidden overwriting, a wrong Content-MD5"):
        request = oss.GetObjectRequest(bucket, "meta.txt", response_content_type="text/css", response_expires="never")
        got = client.get_object(request)
        assert (got.content_type, got.expires) == ("text/css", "never")
        refused(409, "FileAlreadyExists", client.put_object,
                oss.PutObjectRequest(bucket, "meta.txt", body="x", forbid_overwrite=True))
        refused(400, "InvalidDigest", client.put_object,
                oss.PutObjectRequest(bucket, "md5.txt", body="x", content_md5="AAAAAAAAAAAAAAAAAAAAAA=="))
        assert not client.is_object_exist(bucket, "md5.txt")
    with check("object: ranges"):
        client.put_object(oss.PutObjectRequest(bucket, "digits.txt", body=b"0123456789"))
        for text, expected in [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-2", b"89"), ("bytes=8-99", b"89")]:
            got = client.get_object(oss.GetObjectRequest(bucket, "digits.txt", range_header=text))
            assert got.status_code == 206 and got.content_range.endswith("/10") and got.body.read() == expected
        assert read(client, bucket, "digits.txt", range_header="bytes=50-60") == b"0123456789"
        refused(416, "InvalidRange", client.get_object, oss.GetObjectRequest(
            bucket, "digits.txt", range_header="bytes=50-60", range_behavior="standard"))
    with check("object: conditions"):
        etag = client.head_object(oss.HeadObjectRequest(bucket, "digits.txt")).etag
        future = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1), usegmt=True)
        past = "Mon, 01 Jan 2024 00:00:00 GMT"
        for condition, status in [({"if_none_match": etag}, 304), ({"if_modified_since": future}, 304),
                                  ({"if_match": '"0"'}, 412), ({"if_unmodified_since": past}, 412)]:
            try:
                client.get_object(oss.GetObjectRequest(bucket, "digits.txt", **condition))
                raise AssertionError(f"not refused: {condition}")
            except oss.exceptions.OperationError as error:
                assert cause(error).status_code == status
    with check("object: missing, told with code and EC also to HEAD"):
        for call, request in ((client.get_object, oss.GetObjectRequest), (client.head_object, oss.HeadObjectRequest)):
            assert refused(404, "NoSuchKey", call, request(bucket, "missing")).ec == "0026-00000001"
        assert not client.is_object_exist(bucket, "missing")
        assert client.delete_object(oss.DeleteObjectRequest(bucket, "missing")).status_code == 204
    with check("object: what is not built is told, and takes nothing for content"):
        legal_hold = oss.PutObjectLegalHoldRequest(bucket, "meta.txt", legal_hold=oss.LegalHold(status="ON"))
        refused(501, "NotImplemented", client.put_object_legal_hold, legal_hold)
        refused(501, "NotImplemented", client.get_object_tagging, oss.GetObjectTaggingRequest(bucket, "meta.txt"))
        refused(501, "NotImplemented", client.describe_regions, oss.DescribeRegionsRequest())
        assert read(client, bucket, "meta.txt") == b"hello"
    with check("object: ACL"):
        assert client.get_object_acl(oss.GetObjectAclRequest(bucket, "digits.txt")).acl == "default"
        client.put_object_acl(oss.PutObjectAclRequest(bucket, "digits.txt", acl="public-read"))
        assert client.get_object_acl(oss.GetObjectAclRequest(bucket, "digits.txt")).acl == "public-read"
    with check("object: appended, also as a file"):
        first = client.append_object(oss.AppendObjectRequest(bucket, "log.txt", position=0, body=b"one "))
        client.append_object(oss.AppendObjectRequest(bucket, "log.txt", position=first.next_position, body=b"two"))
        with client.append_file(bucket, "log.txt") as file:
            file.write(b" three")
        assert read(client, bucket, "log.txt") == b"one two three"
        late = oss.AppendObjectRequest(bucket, "log.txt", position=3, body=b"late")
        error = refused(409, "PositionNotEqualToLength", client.append_object, late)
        assert error.headers["x-oss-next-append-position"] == "13"
        late = oss.AppendObjectRequest(bucket, "digits.txt", position=10, body=b"late")
        refused(409, "ObjectNotAppendable", client.append_object, late)


def names_and_listings(client, bucket):
    with check("names: awkward keys are put, read, listed, copied and deleted"):
        for key in KEYS:
            client.put_object(oss.PutObjectRequest(bucket, "names/" + key, body=key.encode()))
        assert sorted(keys_of(client, bucket, prefix="names/", max_keys=2)) == sorted("names/" + key for key in KEYS)
        for key in KEYS:
            assert read(client, bucket, "names/" + key) == key.encode()
            client.copy_object(oss.CopyObjectRequest(bucket, "copies/" + key, source_key="names/" + key))
            assert read(client, bucket, "copies/" + key) == key.encode()
        objects = [oss.DeleteObject(key="copies/" + key) for key in KEYS + ["none"]]
        deleted = client.delete_multiple_objects(oss.DeleteMultipleObjectsRequest(bucket, objects=objects))
        assert [one.key for one in deleted.deleted_objects] == [one.key for one in objects]
        quiet = client.delete_multiple_objects(oss.DeleteMultipleObjectsRequest(bucket, objects=objects, quiet=True))
        assert not quiet.deleted_objects and keys_of(client, bucket, prefix="copies/") == []
    with check("list: V1 and V2 with prefix, delimiter and pages of two"):
        made = [f"list/{name}" for name in ("a", "b/1", "b/2", "c", "d/1", "e", "汉/1")]
        for key in made:
            client.put_object(oss.PutObjectRequest(bucket, key, body=b""))
        assert keys_of(client, bucket, prefix="list/", max_keys=2) == made
        folded = [f"list/{name}" for name in ("a", "b/", "c", "d/", "e", "汉/")]
        assert keys_of(client, bucket, prefix="list/", delimiter="/", max_keys=2) == folded
        after = client.list_objects_v2(oss.ListObjectsV2Request(
            bucket, prefix="list/", start_after="list/c", fetch_owner=True))
        assert [one.key for one in after.contents] == made[4:] and after.key_count == 3
        one = after.contents[0]
        assert (one.size, one.object_type, one.storage_class) == (0, "Normal", "Standard") and one.owner.id
    with check("copy: keeps or replaces metadata, judges conditions"):
        client.put_object(oss.PutObjectRequest(bucket, "from.txt", body=b"source", metadata={"a": "1"}))
        request = oss.CopyObjectRequest(bucket, "to.txt", source_bucket=bucket, source_key="from.txt")
        assert client.copy_object(request).etag
        assert client.head_object(oss.HeadObjectRequest(bucket, "to.txt")).metadata["a"] == "1"
        client.copy_object(oss.CopyObjectRequest(
            bucket, "to.txt", source_key="from.txt", metadata_directive="REPLACE", metadata={"b": "2"}))
        assert client.head_object(oss.HeadObjectRequest(bucket, "to.txt")).metadata == {"b": "2"}
        refused(412, "PreconditionFailed", client.copy_object,
                oss.CopyObjectRequest(bucket, "to.txt", source_key="from.txt", if_match='"0"'))
        refused(404, "NoSuchKey", client.copy_object, oss.CopyObjectRequest(bucket, "to.txt", source_key="missing"))


def multipart(client, bucket):
    with check("multipart: parts listed, completed, read back"):
        upload = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket, "parts.bin")).upload_id
        data = [os.urandom(100 * 1024), os.urandom(100 * 1024), b"end"]
        requests = [oss.UploadPartRequest(bucket, "parts.bin", part_number=n, upload_id=upload, body=part)
                    for n, part in enumerate(data, 1)]
        put = [client.upload_part(request) for request in requests]
        request = oss.ListPartsRequest(bucket, "parts.bin", upload_id=upload)
        pages = client.list_parts_paginator(limit=2).iter_page(request)
        listed = [part for page in pages for part in page.parts]
        assert [(part.etag, part.size, part.hash_crc64) for part in listed] == [
            (one.etag, len(part), one.hash_crc64) for one, part in zip(put, data)]
        pages = client.list_multipart_uploads_paginator(limit=1).iter_page(oss.ListMultipartUploadsRequest(bucket))
        assert [one.upload_id for page in pages for one in page.uploads or []] == [upload]
        parts = [oss.UploadPart(part_number=n, etag=one.etag) for n, one in enumerate(put, 1)]
        done = client.complete_multipart_upload(oss.CompleteMultipartUploadRequest(
            bucket, "parts.bin", upload_id=upload, acl="public-read",
            complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts)))
        assert client.get_object_acl(oss.GetObjectAclRequest(bucket, "parts.bin")).acl == "public-read"
        assert done.etag.endswith('-3"') and done.key == "parts.bin" and done.hash_crc64
        assert done.location.endswith(f"/{bucket}/parts.bin"), done.location
        assert read(client, bucket, "parts.bin") == b"".join(data)
    with check("multipart: a part copied, all parts completed"):
        upload = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket, "copied.bin")).upload_id
        client.upload_part_copy(oss.UploadPartCopyRequest(
            bucket, "copied.bin", part_number=1, upload_id=upload, source_key="parts.bin", source_range="bytes=0-99"))
        client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(bucket, "copied.bin", upload_id=upload, complete_all="yes"))
        assert read(client, bucket, "copied.bin") == data[0][:100]
    with check("multipart: without parts, as an empty stream ends"):
        upload = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket, "nothing.bin")).upload_id
        listed = client.list_parts(oss.ListPartsRequest(bucket, "nothing.bin", upload_id=upload))
        assert (listed.parts or [], listed.is_truncated) == ([], False)
        client.complete_multipart_upload(oss.CompleteMultipartUploadRequest(
            bucket, "nothing.bin", upload_id=upload, complete_multipart_upload=oss.CompleteMultipartUpload(parts=[])))
        assert read(client, bucket, "nothing.bin") == b""
    with check("multipart: aborted, and refused afterwards"):
        upload = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket, "never.bin")).upload_id
        client.abort_multipart_upload(oss.AbortMultipartUploadRequest(bucket, "never.bin", upload_id=upload))
        refused(404, "NoSuchUpload", client.list_parts, oss.ListPartsRequest(bucket, "never.bin", upload_id=upload))
    with check("multipart: uploader, downloader and copier"), tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
        content = os.urandom(350_000)
        open(source, "wb").write(content)
        sizes = {"part_size": 100_000, "parallel_num": 2}
        client.uploader(**sizes).upload_file(oss.PutObjectRequest(bucket, "汉/helped.bin"), source)
        client.downloader(**sizes).download_file(oss.GetObjectRequest(bucket, "汉/helped.bin"), target)
        assert open(target, "rb").read() == content
        request = oss.CopyObjectRequest(bucket, "copied.bin", source_key="汉/helped.bin")
        client.copier().copy(request, part_size=200_000, multipart_copy_threshold=1, disable_shallow_copy=True)
        assert read(client, bucket, "copied.bin") == content
        with client.open_file(bucket, "copied.bin") as file:
            file.seek(100)
            assert file.read(10) == content[100:110]


def styles(client, bucket):
    with check("style: put, read, listed, deleted"):
        for name in ("zulu", STYLE[0], "alpha"):
            client.put_style(oss.PutStyleRequest(
                bucket, style_name=name, category="image", style=oss.StyleContent(content=STYLE[1])))
        style = client.get_style(oss.GetStyleRequest(bucket, style_name=STYLE[0])).style
        assert ((style.name, style.content), style.category) == (STYLE, "image")
        assert style.create_time.endswith("GMT") and style.last_modify_time.endswith("GMT")
        listed = client.list_style(oss.ListStyleRequest(bucket)).style_list.styles
        assert [style.name for style in listed] == ["zulu", STYLE[0], "alpha"]
        for name in ("zulu", "alpha", "none"):
            assert client.delete_style(oss.DeleteStyleRequest(bucket, style_name=name)).status_code == 204
        refused(404, "NoSuchStyle", client.get_style, oss.GetStyleRequest(bucket, style_name="zulu"))
        refused(404, "NoSuchBucket", client.list_style, oss.ListStyleRequest("v2-nowhere"))


def processed(client, bucket, place):
    original = place.fixture("images/example.jpg")
    client.put_object_from_file(oss.PutObjectRequest(bucket, "logo.png"), str(place.fixtures / "demo/logo.png"))
    client.put_object(oss.PutObjectRequest(bucket, "example.jpg", body=original, content_type="image/jpeg"))
    client.put_object(oss.PutObjectRequest(bucket, "example.gif", body=place.fixture("images/gif/example.gif")))
    for row in PROCESSES:
        with check(f"process: {row['process']}"):
            key = row.get("object", "example.jpg")
            got = client.get_object(oss.GetObjectRequest(bucket, key, process=row["process"]))
            check_answer(row, got.body.read(), got.content_type)
    with check("process: files, whose CRC the client checks"), tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "target")
        client.get_object_to_file(oss.GetObjectRequest(bucket, "example.jpg"), target)
        assert open(target, "rb").read() == original
        process = PROCESSES[0]["process"]
        client.get_object_to_file(oss.GetObjectRequest(bucket, "example.jpg", process=process), target)
        assert open(target, "rb").read() == read(client, bucket, "example.jpg", process=process)
    with check("process: a style behind the key"):
        row = next(row for row in PROCESSES if row["process"].startswith("style/"))
        got = client.get_object(oss.GetObjectRequest(bucket, f"example.jpg@!{STYLE[0]}"))
        check_answer(row, got.body.read(), got.content_type)
    with check("process: saved as another object"):
        process = "image/resize,m_fixed,w_100,h_100|sys/saveas,o_b3V0L3guanBn"
        for suffix, told in (("", ""), (",b_djItb2JqZWN0cw==", bucket)):
            request = oss.ProcessObjectRequest(bucket, "example.jpg", process=process + suffix)
            saved = client.process_object(request)
            body = read(client, bucket, "out/x.jpg")
            assert (saved.bucket, saved.key, saved.process_status) == (told, "out/x.jpg", "OK")
            assert saved.file_size == len(body)
            check_answer({"process": process, "type": "image/jpeg", "size": [100, 100]}, body, "image/jpeg")
    with check("process: mistakes are told"):
        wrong = oss.GetObjectRequest(bucket, "example.jpg", process="image/resize,w_0")
        assert refused(400, "InvalidArgument", client.get_object, wrong).ec == "0040-00000312"
        later = oss.AsyncProcessObjectRequest(bucket, "example.jpg", process="image/resize,w_100")
        refused(404, "Imm Client", client.async_process_object, later)


def main():
    checks.made_up_hosts()
    place = checks.Place.of_arguments()
    client, bucket = client_of(place.key, place.endpoint), "v2-objects"
    buckets(client)
    client.put_bucket(oss.PutBucketRequest(bucket))
    objects(client, bucket)
    names_and_listings(client, bucket)
    multipart(client, bucket)
    callbacks(client, bucket)
    styles(client, bucket)
    processed(client, bucket, place)
    variants(place)
    refusals(place)
    checks.finish()


if __name__ == "__main__":
    main()
