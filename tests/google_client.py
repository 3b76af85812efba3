"""Google's own client, to write the source and to inspect what was restored:

  google_client.py ENDPOINT make BUCKET
  google_client.py ENDPOINT put BUCKET KEY TEXT [PROPERTIES]   as JSON: headers, metadata, class
  google_client.py ENDPOINT delete BUCKET KEY
  google_client.py ENDPOINT show BUCKET                        prints JSON: all of every object
"""

import hashlib
import json
import sys

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

# Header names as in the tests of all services.
HEADERS = {
    "blobContentType": "content_type",
    "blobContentEncoding": "content_encoding",
    "blobContentLanguage": "content_language",
    "blobContentDisposition": "content_disposition",
    "blobCacheControl": "cache_control",
}


def main():
    endpoint, action, name, *rest = sys.argv[1:]
    client = storage.Client(
        project="test", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
    )
    if action == "make":
        client.create_bucket(name)
        return
    bucket = client.bucket(name)
    if action == "put":
        put(bucket, *rest)
    elif action == "delete":
        bucket.blob(rest[0]).delete()
    elif action == "show":
        print(json.dumps({blob.name: show(blob) for blob in client.list_blobs(bucket)}))


def put(bucket, key, text, properties="{}"):
    properties = json.loads(properties)
    blob = bucket.blob(key)
    for name, value in properties.get("headers", {}).items():
        setattr(blob, HEADERS[name], value)
    blob.metadata = properties.get("metadata")
    blob.storage_class = properties.get("class")
    content = bytes(int(text[6:])) if text.startswith("zeros:") else text.encode()
    kind = blob.content_type or "text/plain"
    blob.upload_from_string(content, content_type=kind)


def show(blob):
    return {
        "body": hashlib.sha256(blob.download_as_bytes(raw_download=True)).hexdigest(),
        "md5": blob.md5_hash,
        "crc32c": blob.crc32c,
        "class": blob.storage_class,
        "metadata": blob.metadata or {},
        **{name: getattr(blob, field) for name, field in HEADERS.items()},
    }


if __name__ == "__main__":
    main()
