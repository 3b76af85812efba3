// Microsoft's own client, to write the source and to inspect what was restored:
//
//   azure_client.js ENDPOINT make CONTAINER
//   azure_client.js ENDPOINT put CONTAINER KEY TEXT [PROPERTIES]   as JSON: headers, metadata, tags, tier
//   azure_client.js ENDPOINT delete CONTAINER KEY
//   azure_client.js ENDPOINT show CONTAINER                       prints JSON: all of every blob
//   azure_client.js ENDPOINT sign CONTAINER PERMISSIONS           prints a shared access signature
"use strict";

const crypto = require("crypto");
// Node 18, as in Debian 12, does not export it globally.
globalThis.crypto ??= crypto.webcrypto;
const {
  BlobServiceClient,
  ContainerSASPermissions,
  StorageSharedKeyCredential,
  generateBlobSASQueryParameters,
} = require("@azure/storage-blob");

// Azurite's well-known account key.
const account = "devstoreaccount1";
const key =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const credential = new StorageSharedKeyCredential(account, key);

async function main(endpoint, action, name, ...rest) {
  const container = new BlobServiceClient(endpoint, credential).getContainerClient(name);
  switch (action) {
    case "make":
      return container.create();
    case "put":
      return put(container, ...rest);
    case "delete":
      return container.deleteBlob(rest[0]);
    case "show":
      return console.log(JSON.stringify(await show(container)));
    case "sign":
      return console.log(sign(name, rest[0]));
    default:
      throw new Error(`unknown action ${action}`);
  }
}

async function put(container, key, text, properties) {
  const { headers, ...options } = JSON.parse(properties || "{}");
  const blob = container.getBlockBlobClient(key);
  const body = text.startsWith("zeros:") ? Buffer.alloc(Number(text.slice(6))) : Buffer.from(text);
  await blob.uploadData(body, {
    blobHTTPHeaders: headers,
    maxSingleShotSize: 8 << 20,
    blockSize: 4 << 20,
    ...options,
  });
}

async function show(container) {
  const shown = {};
  for await (const listed of container.listBlobsFlat({ includeMetadata: true, includeTags: true })) {
    const body = await container.getBlobClient(listed.name).downloadToBuffer();
    const { contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl, accessTier } =
      listed.properties;
    const md5 = listed.properties.contentMD5;
    shown[listed.name] = {
      body: crypto.createHash("sha256").update(body).digest("hex"),
      md5: md5 && Buffer.from(md5).toString("base64"),
      headers: { contentType, contentEncoding, contentLanguage, contentDisposition, cacheControl },
      tier: accessTier,
      metadata: listed.metadata,
      tags: listed.tags,
    };
  }
  return shown;
}

function sign(containerName, permissions) {
  const values = {
    containerName,
    permissions: ContainerSASPermissions.parse(permissions),
    expiresOn: new Date(Date.now() + 3600 * 1000),
  };
  return generateBlobSASQueryParameters(values, credential).toString();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
