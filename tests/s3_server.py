"""moto as an S3 server on a free port of 127.0.0.1; see tests/s3-server.

It prints its port, and ends when its standard input does, so that no test can leave it behind. Options:

  --fill BUCKET COUNT   a bucket with that many small objects, faster than by requests
  --sign COUNT          requests after the first COUNT must be signed by users that exist
"""

import argparse
import logging
import os
import sys
import threading


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fill", nargs=2, metavar=("BUCKET", "COUNT"))
    parser.add_argument("--sign", metavar="COUNT")
    options = parser.parse_args()
    if options.sign is not None:
        # Read when moto is imported.
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = options.sign

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        # Keeps connections open, as S3 does, and writes each answer at once rather than header by header.
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle_expect_100(self):
            # Clients that expect "100 Continue" wait a second for it if it stays in the buffer.
            goes_on = super().handle_expect_100()
            self.wfile.flush()
            del self.headers["Expect"]
            return goes_on

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    if options.fill:
        fill(options.fill[0], int(options.fill[1]))
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=Handler
    )
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


def fill(bucket, count):
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.create_bucket(bucket, "us-east-1")
    for number in range(count):
        backend.put_object(bucket, f"photos/{number:07}.jpg", f"photo {number}".encode())


if __name__ == "__main__":
    main()
