// SPDX-License-Identifier: Apache-2.0
// What AWS's own signer makes of a grant. Usage: node cloudfront_signer.js <GRANT.json, prints JSON. The grant has `resource`,
// `expires` (seconds since 1970), `key_id`, `private_key` (PEM) and `policy`, the document that the API signed.
import { readFileSync } from "node:fs";
import { getSignedCookies, getSignedUrl } from "@aws-sdk/cloudfront-signer";

const { resource, expires, key_id, private_key, policy } = JSON.parse(readFileSync(0, "utf8"));
const key = { keyPairId: key_id, privateKey: private_key, algorithm: "SHA256" };
const custom = { policy, ...key };
// Without `policy` the signer writes the document itself.
const own = { url: resource, dateLessThan: new Date(expires * 1000), ...key };

const answer = {
  custom_query: new URL(getSignedUrl({ url: resource.replace("*", "master.m3u8"), ...custom })).search.slice(1),
  custom_cookies: getSignedCookies(custom),
  own_query: new URL(getSignedUrl(own)).search.slice(1),
  own_cookies: getSignedCookies(own),
};
process.stdout.write(JSON.stringify(answer));
