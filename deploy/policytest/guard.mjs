// Runs AWS's Control Tower rules by cfn-guard, which an npm package has as a static binary. It is given what a stack
// would have: the rules do not look into Fn::If, and take a function for a missing value.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const folder = new URL('node_modules/@cdklabs/cdk-validator-cfnguard/', import.meta.url).pathname;
const system = { linux: 'ubuntu', darwin: 'macos' }[process.platform];
const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
const binary = `${folder}bin/${system}/${machine}/cfn-guard`;
const rules = `${folder}rules/control-tower/cfn-guard`;
// ruled are the types of resources that a rule is about. The others, such as all that draws a dashboard, take minutes.
const ruled = new Set(
  fs
    .readdirSync(rules, { recursive: true })
    .filter((file) => file.endsWith('.guard'))
    .flatMap((file) => fs.readFileSync(path.join(rules, file), 'utf8').match(/\bAWS::\w+::\w+/g) ?? []),
);
const findings = 19; // exit code of a template that some rule refuses

// failures returns the rules that stacks break: {"CT.SQS.PR.1": ["Failures"]}. A stack is an object with resources.
export async function failures(stacks) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'guard-'));
  const broken = {};
  try {
    for (const [i, { resources }] of stacks.entries()) {
      const concerned = Object.entries(resources).filter(([, { Type }]) => ruled.has(Type));
      const Resources = withBooleans(Object.fromEntries(concerned));
      fs.writeFileSync(
        path.join(dir, `${i}.json`),
        JSON.stringify({ AWSTemplateFormatVersion: '2010-09-09', Resources }),
      );
    }
    for (const { Rule } of (await validate(dir)).flatMap((report) => report.not_compliant)) {
      const rule =
        all(Rule, 'custom_message')
          .map((text) => text?.match(/\[(CT\.[A-Z0-9.]+)\]/)?.[1])
          .find(Boolean) ?? Rule.name;
      const resources = all(Rule, 'path')
        .map((place) => place.match(/^\/Resources\/(\w+)/)?.[1])
        .filter(Boolean);
      broken[rule] = [...new Set([...(broken[rule] ?? []), ...resources])].sort();
    }
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
  return broken;
}

// withBooleans turns texts that parameters gave into what CloudFormation makes of them. Conditions of policies stay.
function withBooleans(node, key) {
  if (node === 'true' || node === 'false') return node === 'true';
  if (node === null || typeof node !== 'object' || key === 'Condition') return node;
  if (Array.isArray(node)) return node.map((child) => withBooleans(child));
  return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, withBooleans(child, name)]));
}

async function validate(dir) {
  const args = ['validate', '-d', dir, '-r', rules, '--structured', '-o', 'json', '--show-summary', 'none'];
  const { stdout } = await promisify(execFile)(binary, args, { maxBuffer: 1 << 28 }).catch((error) => {
    if (error.code !== findings) throw error;
    return error;
  });
  return JSON.parse(stdout);
}

// all values of a key, anywhere below a node.
function all(node, key) {
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([name, child]) =>
    name === key && typeof child !== 'object' ? [child] : all(child, key),
  );
}
