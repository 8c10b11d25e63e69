// SPDX-License-Identifier: Apache-2.0
// An upload service in another language, which has none of our files: it learns the API from server reflection.
// Usage: node grpc_by_reflection.js TARGET [CA.pem] with a token in TOKEN; prints JSON: what it saw.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import { fromJSON, loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";

const [target, ca] = process.argv.slice(2);
const credentials = ca ? grpc.credentials.createSsl(readFileSync(ca)) : grpc.credentials.createInsecure();
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${process.env.TOKEN}`);
const options = { longs: Number, enums: String, defaults: true };
const BODY = Buffer.from("hello world");

// The protocol of reflection, as far as we need it: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
const field = (id, type, rule) => ({ id, type, ...(rule ? { rule } : {}) });
const reflection = fromJSON(
  {
    nested: {
      Request: { fields: { file_containing_symbol: field(4, "string"), list_services: field(7, "string") } },
      Files: { fields: { file_descriptor_proto: field(1, "bytes", "repeated") } },
      Service: { fields: { name: field(1, "string") } },
      Services: { fields: { service: field(1, "Service", "repeated") } },
      Answer: { fields: { file_descriptor_response: field(4, "Files"), list_services_response: field(6, "Services") } },
      ServerReflection: {
        methods: {
          ServerReflectionInfo: { requestType: "Request", responseType: "Answer", requestStream: true, responseStream: true },
        },
      },
    },
  },
  { keepCase: true },
);

function definition() {
  const method = reflection.ServerReflection.ServerReflectionInfo;
  return { ask: { ...method, path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" } };
}

const Reflection = grpc.makeGenericClientConstructor(definition(), "reflection");

async function ask(request) {
  const client = new Reflection(target, credentials);
  const call = client.ask(metadata);
  call.end(request);
  for await (const answer of call) {
    client.close();
    return answer;
  }
}

async function load(service) {
  const files = (await ask({ file_containing_symbol: service })).file_descriptor_response.file_descriptor_proto;
  // A FileDescriptorSet is its files, each as field 1.
  const set = Buffer.concat(files.flatMap((file) => [Buffer.from([10]), varint(file.length), file]));
  const loaded = grpc.loadPackageDefinition(loadFileDescriptorSetFromBuffer(set, options));
  const Client = service.split(".").reduce((scope, name) => scope[name], loaded);
  return new Client(target, credentials);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

function call(client, method, request, sent = metadata) {
  const deadline = Date.now() + 20_000;
  return new Promise((resolve, reject) =>
    client[method](request, sent, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
}

async function refusal(...asked) {
  try {
    await call(...asked);
  } catch (error) {
    const details = error.metadata.get("grpc-status-details-bin")[0];
    return { code: grpc.status[error.code], has_details: details?.includes("google.rpc.ErrorInfo") ?? false };
  }
  return { code: "OK", has_details: false };
}

const services = (await ask({ list_services: "*" })).list_services_response.service.map((item) => item.name);
const uploads = await load("streamify.upload.v1.UploadService");
const videos = await load("streamify.catalog.v1.VideoService");

const asked = {
  request_id: randomUUID(),
  title: "From another language",
  filename: "walk.mp4",
  content_type: "video/mp4",
  size_bytes: BODY.length,
  checksum_algorithm: "CHECKSUM_ALGORITHM_SHA256",
};
const created = (await call(uploads, "CreateUpload", asked)).upload;
const repeated = (await call(uploads, "CreateUpload", asked)).upload;
const { upload_id } = created;
const checksum = createHash("sha256").update(BODY).digest("base64");
// Maps are lists of entries, when protobufjs reads them from descriptors.
const checksums = [{ key: 1, value: checksum }];
const { urls } = await call(uploads, "CreatePartUrls", { upload_id, part_numbers: [1], checksums });
const headers = urls[0].headers.map(({ key, value }) => [key, value]);
const put = await fetch(urls[0].url, { method: "PUT", body: BODY, headers });
const parts = [{ part_number: 1, etag: put.headers.get("etag"), checksum }];
const watched = [];
const watching = uploads.WatchUpload({ upload_id }, metadata, { deadline: Date.now() + 20_000 });
const ended = (async () => {
  for await (const { upload } of watching) if (upload) watched.push(upload.state);
})();
const completed = (await call(uploads, "CompleteUpload", { upload_id, request_id: randomUUID(), parts })).upload;
await ended;

const report = {
  services,
  created,
  repeated,
  put_status: put.status,
  completed,
  watched,
  video: (await call(videos, "GetVideo", { video_id: created.video_id })).video,
  other_body: await refusal(uploads, "CreateUpload", { ...asked, title: "Another" }),
  unknown: await refusal(videos, "GetVideo", { video_id: "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV" }),
  without_token: await refusal(videos, "GetVideo", { video_id: created.video_id }, new grpc.Metadata()),
};
process.stdout.write(JSON.stringify(report));
uploads.close();
videos.close();
