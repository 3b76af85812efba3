// Azurite on a free port of 127.0.0.1; see tests/azure-server. It prints its port once it is ready,
// and ends when its standard input does, so that no test can leave it behind.
"use strict";

const net = require("net");

const main = process.argv[2];
const print = process.stdout.write.bind(process.stdout);

// The reader of the port reads nothing else.
process.stdout.write = () => true;
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

const probe = net.createServer();
probe.listen(0, "127.0.0.1", () => {
  const port = probe.address().port;
  probe.close(() => start(port));
});

function start(port) {
  process.argv = [
    process.argv[0],
    main,
    "--blobPort",
    String(port),
    "--inMemoryPersistence",
    "--disableTelemetry",
    "--silent",
    // The client is newer.
    "--skipApiVersionCheck",
  ];
  require(main);
  wait(port);
}

function wait(port) {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("connect", () => {
    socket.destroy();
    print(port + "\n");
  });
  socket.on("error", () => setTimeout(() => wait(port), 20));
}
