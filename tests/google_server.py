"""A Google Cloud Storage server on a free port of 127.0.0.1; see tests/google-server.

It implements the documented JSON interface for buckets, paged lists, full and ranged reads, uploads in one request
and in sessions, preconditions on generations, checksums and changes of metadata.
Everything is in memory. It prints its port, and ends when its standard input does.
"""

import base64
import email.utils
import hashlib
import json
import os
import re
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c

LOCK = threading.RLock()
BUCKETS = {}
SESSIONS = {}
WRITABLE = [
    "contentType", "contentEncoding", "contentDisposition", "contentLanguage", "cacheControl", "customTime",
    "temporaryHold", "eventBasedHold",
]


class Refused(Exception):
    def __init__(self, status, reason, message):
        self.status, self.reason, self.message = status, reason, message


def base64_of(digest):
    return base64.b64encode(digest).decode()


def now():
    seconds = time.time_ns() // 1_000_000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds // 1000)) + f".{seconds % 1000:03}Z"


def bucket(name):
    if name not in BUCKETS:
        raise Refused(404, "notFound", "The specified bucket does not exist.")
    return BUCKETS[name]


def expect_generation(query, standing):
    """Checks ifGenerationMatch; 0 means that the object must not exist."""
    if "ifGenerationMatch" in query:
        found = standing["resource"]["generation"] if standing else "0"
        if query["ifGenerationMatch"] != found:
            message = "At least one of the pre-conditions you specified did not hold."
            raise Refused(412, "conditionNotMet", message)


def find(name, key, query):
    standing = bucket(name).get(key)
    if standing is None:
        raise Refused(404, "notFound", f"No such object: {name}/{key}")
    expect_generation(query, standing)
    return standing


def store(name, query, description, content):
    key = query.get("name") or description.get("name")
    with LOCK:
        expect_generation(query, bucket(name).get(key))
        told = {
            "md5Hash": base64_of(hashlib.md5(content).digest()),
            "crc32c": base64_of(google_crc32c.Checksum(content).digest()),
        }
        for field, value in told.items():
            if description.get(field, value) != value:
                raise Refused(400, "invalid", f"Provided {field} does not match the content.")
        moment = now()
        resource = {
            "kind": "storage#object", "name": key, "bucket": name, "size": str(len(content)),
            "generation": str(time.time_ns() // 1000), "metageneration": "1", "timeCreated": moment,
            "updated": moment, "storageClass": description.get("storageClass") or "STANDARD", **told,
        }
        resource.update({field: description[field] for field in WRITABLE if description.get(field)})
        if description.get("metadata"):
            resource["metadata"] = description["metadata"]
        bucket(name)[key] = {"resource": resource, "content": content}
        return resource


def listing(name, query):
    keys = sorted(bucket(name), key=lambda key: key.encode())
    begins = query.get("prefix", "")
    start = query.get("startOffset", "").encode()
    keys = [key for key in keys if key.startswith(begins) and key.encode() >= start]
    if "pageToken" in query:
        behind = base64.urlsafe_b64decode(query["pageToken"])
        keys = [key for key in keys if key.encode() > behind]
    count = min(int(query.get("maxResults", 1000)), 1000)
    page = {"kind": "storage#objects", "items": [bucket(name)[key]["resource"] for key in keys[:count]]}
    if len(keys) > count:
        page["nextPageToken"] = base64.urlsafe_b64encode(keys[count - 1].encode()).decode()
    return page


def patch(name, key, query, change):
    with LOCK:
        resource = find(name, key, query)["resource"]
        for field in WRITABLE:
            if field in change:
                resource[field] = change[field]
                if change[field] is None:
                    del resource[field]
        metadata = {**resource.get("metadata", {}), **(change.get("metadata") or {})}
        resource["metadata"] = {field: value for field, value in metadata.items() if value is not None}
        resource["metageneration"] = str(int(resource["metageneration"]) + 1)
        resource["updated"] = now()
        return resource


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        if not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), [*headers, ("Content-Type", "application/json")]
        self.send_response(status)
        for header, value in headers:
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        try:
            self.route(address.path, query, body)
        except Refused as refused:
            reasons = [{"domain": "global", "reason": refused.reason, "message": refused.message}]
            error = {"code": refused.status, "message": refused.message, "errors": reasons}
            self.answer(refused.status, {"error": error})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def route(self, path, query, body):
        if path == "/storage/v1/b" and self.command == "POST":
            name = json.loads(body)["name"]
            BUCKETS[name] = {}
            return self.answer(200, {"kind": "storage#bucket", "name": name})
        parts = re.fullmatch(r"(/upload|/download|)/storage/v1/b/([^/]+)(?:/o(?:/([^/]+))?)?", path)
        if not parts:
            raise Refused(404, "notFound", "Not Found")
        way, name, key = parts[1], unquote(parts[2]), parts[3] and unquote(parts[3])
        if way == "/upload":
            return self.upload(name, query, body)
        if key is None:
            bucket(name)
            return self.answer(200, listing(name, query) if path.endswith("/o") else {"name": name})
        if self.command == "PATCH":
            return self.answer(200, patch(name, key, query, json.loads(body)))
        standing = find(name, key, query)
        if self.command == "DELETE":
            del bucket(name)[key]
            return self.answer(204)
        if query.get("alt") == "media":
            return self.media(standing)
        return self.answer(200, standing["resource"])

    def upload(self, name, query, body):
        bucket(name)
        if "upload_id" in query:
            description, begun = SESSIONS[query["upload_id"]]
            return self.answer(200, store(name, begun, description, body))
        if query["uploadType"] == "resumable":
            session = uuid.uuid4().hex + "%2B/="
            SESSIONS[unquote(session)] = (json.loads(body or b"{}"), query)
            host = self.headers["Host"]
            location = f"http://{host}/upload/storage/v1/b/{name}/o?uploadType=resumable&upload_id={session}"
            return self.answer(200, headers=[("Location", location)])
        boundary = re.search(r'boundary="?([^";]+)"?', self.headers["Content-Type"])[1]
        _, first, second, _ = body.split(b"--" + boundary.encode())
        description = json.loads(first.split(b"\r\n\r\n", 1)[1])
        head, content = second.split(b"\r\n\r\n", 1)
        kind = re.search(rb"(?i)content-type: *([^\r]+)", head)
        description.setdefault("contentType", kind[1].decode())
        self.answer(200, store(name, query, description, content[:-2]))

    def media(self, standing):
        resource, content = standing["resource"], standing["content"]
        headers = [
            ("Content-Type", resource.get("contentType", "application/octet-stream")),
            ("X-Goog-Generation", resource["generation"]),
            ("X-Goog-Hash", f"crc32c={resource['crc32c']},md5={resource['md5Hash']}"),
            ("Last-Modified", email.utils.formatdate(usegmt=True)),
        ]
        if "contentEncoding" in resource:
            headers.append(("Content-Encoding", resource["contentEncoding"]))
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not asked:
            return self.answer(200, content, headers)
        first = int(asked[1])
        last = min(int(asked[2] or len(content)), len(content) - 1)
        if first > last:
            raise Refused(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
        headers.append(("Content-Range", f"bytes {first}-{last}/{len(content)}"))
        self.answer(206, content[first : last + 1], headers)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Ignores clients that disconnect."""


def main():
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
