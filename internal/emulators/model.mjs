// Prints the operations of an AWS service as JSON, from the package of its JavaScript client:
// the members of each request and answer, and whether the operation has pages.
//
//   node model.mjs DIRECTORY
//
// A structure is an object of its members, a list is an array of what it has, a map is
// {"*": what it has}, and everything else is null.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const directory = process.argv[2];
const source = readFileSync(join(directory, "dist-es/schemas/schemas_0.js"), "utf8");

// The schemas are data but for the registry of errors, for which nothing need be installed.
const imported = [...source.matchAll(/^import \{([^}]*)\} from .*;$/gm)].flatMap((m) => m[1].split(","));
const stand = (name) => `const ${name} = { for: () => ({ registerError() {} }) };`;
const names = imported.map((name) => name.trim().split(" as ").pop()).filter(Boolean);
const code = names.map(stand).join("\n") + source.replace(/^import .*$/gm, "");
const schemas = await import("data:text/javascript," + encodeURIComponent(code));

const STRUCTURE = 3, UNION = 4, LIST = 1, MAP = 2, OPERATION = 9;

function shape(type, above = []) {
  if (typeof type === "function") type = type();
  if (typeof type === "number") {
    if (type & 64) return [null];
    return type & 128 ? { "*": null } : null;
  }
  if (!Array.isArray(type) || above.includes(type)) return null;
  if (typeof type[1] !== "string") return shape(type[0], above); // with traits
  const inside = [...above, type];
  switch (type[0]) {
    case STRUCTURE:
    case UNION:
      return Object.fromEntries(type[4].map((name, i) => [name, shape(type[5][i], inside)]).sort());
    case LIST:
      return [shape(type[4], inside)];
    case MAP:
      return { "*": shape(type[5], inside) };
  }
  return null;
}

const paged = new Set(
  readdirSync(join(directory, "dist-es/pagination"))
    .filter((name) => name.endsWith("Paginator.js"))
    .map((name) => name.replace("Paginator.js", "")),
);
const operations = {};
for (const schema of Object.values(schemas)) {
  const [kind, , name, , input, output] = Array.isArray(schema) ? schema : [];
  if (kind === OPERATION && name.startsWith("Describe")) {
    operations[name] = { paged: paged.has(name), input: shape(input), output: shape(output) };
  }
}
console.log(JSON.stringify(operations, null, 1));
