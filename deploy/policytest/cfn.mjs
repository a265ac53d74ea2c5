// Resolves a CloudFormation template to values, as CloudFormation does when it makes a stack.
// It is strict: a parameter without a value, a reference to nothing and a function that it does
// not know are errors, because a policy with an empty text in it would be judged wrongly.
import fs from 'node:fs';
import { parse } from 'yaml';

const functions = [
  'Ref',
  'Condition',
  'GetAtt',
  'Sub',
  'Join',
  'If',
  'Equals',
  'Not',
  'And',
  'Or',
  'Select',
  'Split',
  'FindInMap',
  'GetAZs',
  'Cidr',
  'Base64',
  'ImportValue',
  'Contains',
  'EachMemberIn',
  'EachMemberEquals',
  'RefAll',
  'ValueOf',
  'ValueOfAll',
  'Length',
  'ToJsonString',
  'Transform',
];

// tags are the short forms: "!Sub text" is {"Fn::Sub": "text"}.
const tags = functions.flatMap((name) => {
  const key = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  const scalar = (text) => ({ [key]: name === 'GetAtt' ? splitAtDot(text) : text });
  return [
    { tag: `!${name}`, resolve: scalar },
    { tag: `!${name}`, collection: 'seq', resolve: (node) => ({ [key]: node.toJSON() }) },
    { tag: `!${name}`, collection: 'map', resolve: (node) => ({ [key]: node.toJSON() }) },
  ];
});

const splitAtDot = (text) => [text.slice(0, text.indexOf('.')), text.slice(text.indexOf('.') + 1)];

// load reads a template, YAML or JSON.
export const load = (file) => parse(fs.readFileSync(file, 'utf8'), { customTags: tags, logLevel: 'error' });

const noValue = Symbol('AWS::NoValue');

// resolve returns what a stack of the template has: {resources, outputs, exports}, and functions that answer of it:
// attribute(id, name) is what Ref and GetAtt return, value(x) resolves any part of a template. standIn(type, id,
// properties) returns the attributes that a resource would have; imports are the exports of other stacks. It throws
// where CloudFormation would refuse.
export function resolve(template, { parameters = {}, pseudo, standIn, imports = {} }) {
  for (const name of Object.keys(parameters)) {
    if (!(name in (template.Parameters ?? {}))) throw Error(`there is no parameter ${name}`);
  }
  const values = { ...pseudo, ...parameterValues(template, parameters) };
  const attributes = {};

  const isMade = (id) => {
    const condition = template.Resources[id].Condition;
    return !condition || isTrue(condition);
  };
  const attribute = (id, name) => {
    const resource = template.Resources[id];
    if (!resource) throw Error(`there is no resource ${id}`);
    if (!isMade(id)) throw Error(`${id} is not made: its condition ${resource.Condition} is false`);
    attributes[id] ??= standIn(resource.Type, id, value(nameProperties(resource.Properties)));
    if (!(name in attributes[id])) throw Error(`${id} (${resource.Type}) has no ${name} in standins.mjs`);
    return attributes[id][name];
  };
  const ref = (name) => {
    if (name === 'AWS::NoValue') return noValue;
    if (name in values) return values[name];
    if (name in template.Resources) return attribute(name, 'Ref');
    throw Error(`Ref ${name}: there is no such parameter or resource`);
  };
  const isTrue = (name) => {
    if (!(name in (template.Conditions ?? {}))) throw Error(`there is no condition ${name}`);
    return value(template.Conditions[name]);
  };
  const sub = (text, variables = {}) =>
    text.replace(/\$\{([^}]+)\}/g, (_, name) => {
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      const found =
        name in variables ? value(variables[name]) : name.includes('.') ? attribute(...splitAtDot(name)) : ref(name);
      if (typeof found === 'object') throw Error(`Sub: ${name} is no text`);
      return String(found);
    });
  const same = (a, b) => JSON.stringify(value(a)) === JSON.stringify(value(b));
  const call = {
    Ref: ref,
    Condition: isTrue,
    'Fn::GetAtt': (x) => attribute(...(Array.isArray(x) ? x : splitAtDot(x))),
    'Fn::Sub': (x) => (Array.isArray(x) ? sub(...x) : sub(x)),
    'Fn::Join': ([separator, list]) => value(list).join(separator),
    'Fn::If': ([name, yes, no]) => value(isTrue(name) ? yes : no),
    'Fn::Equals': ([a, b]) => same(a, b),
    'Fn::Not': ([x]) => !value(x),
    'Fn::And': (list) => list.map(value).every(Boolean),
    'Fn::Or': (list) => list.map(value).some(Boolean),
    'Fn::Select': ([index, list]) => {
      const found = value(list)[Number(value(index))];
      if (found === undefined)
        throw Error(`Select: there is no element ${value(index)} in ${JSON.stringify(value(list))}`);
      return found;
    },
    'Fn::Split': ([separator, text]) => value(text).split(separator),
    'Fn::FindInMap': (path) => {
      const [map, key, name] = path.map(value);
      const found = template.Mappings?.[map]?.[key]?.[name];
      if (found === undefined) throw Error(`FindInMap: there is no ${map}.${key}.${name}`);
      return found;
    },
    'Fn::GetAZs': () => ['a', 'b', 'c'].map((zone) => pseudo['AWS::Region'] + zone),
    'Fn::Cidr': ([block, count, bits]) => cidr(value(block), Number(value(count)), Number(value(bits))),
    'Fn::Base64': (x) => value(x),
    'Fn::ImportValue': (x) => {
      if (!(value(x) in imports)) throw Error(`ImportValue: no stack exports ${value(x)}`);
      return imports[value(x)];
    },
    'Fn::Contains': ([list, x]) => value(list).some((y) => same(x, y)),
    'Fn::EachMemberIn': ([list, allowed]) => value(list).every((x) => value(allowed).includes(x)),
    'Fn::EachMemberEquals': ([list, x]) => value(list).every((y) => same(x, y)),
    'Fn::Length': (x) => value(x).length,
    'Fn::ToJsonString': (x) => JSON.stringify(value(x)),
  };

  function value(x) {
    if (Array.isArray(x)) return x.map(value).filter((v) => v !== noValue);
    if (x === null || typeof x !== 'object') return x;
    const keys = Object.keys(x);
    if (keys.length === 1) {
      const [key] = keys;
      // The block of conditions of an IAM statement has the name of a function.
      const isFunction = key in call && !(key === 'Condition' && typeof x[key] === 'object');
      if (isFunction) return call[key](x[key]);
      if (key.startsWith('Fn::')) throw Error(`${key}: the resolver does not know this function`);
    }
    return Object.fromEntries(keys.map((key) => [key, value(x[key])]).filter(([, v]) => v !== noValue));
  }

  checkRules(template.Rules ?? {}, value);
  const resources = {};
  const resource = (id) => {
    const { Type, DependsOn = [], Properties = {} } = template.Resources[id];
    for (const other of [DependsOn].flat()) {
      if (!template.Resources[other]) throw Error(`${id} depends on ${other}, and there is no such resource`);
    }
    return { Type, Properties: value(Properties) };
  };
  for (const id of Object.keys(template.Resources)) {
    try {
      if (isMade(id)) resources[id] = resource(id);
    } catch (error) {
      throw Error(`${id}: ${error.message}`);
    }
  }
  const outputs = {},
    exports = {};
  for (const [name, output] of Object.entries(template.Outputs ?? {})) {
    try {
      if (output.Condition && !isTrue(output.Condition)) continue;
      outputs[name] = value(output.Value);
      if (output.Export) exports[value(output.Export.Name)] = outputs[name];
    } catch (error) {
      throw Error(`output ${name}: ${error.message}`);
    }
  }
  return { resources, outputs, exports, attribute, value };
}

// nameProperties are those properties that Ref and ARNs are made of.
const nameProperties = (properties = {}) =>
  Object.fromEntries(
    Object.entries(properties).filter(([key]) => /^(Name|Path|[A-Za-z]+Name|.*Identifier)$/.test(key)),
  );

// parameterValues returns the value of each parameter, and throws where the parameter's own limits refuse it.
function parameterValues(template, given) {
  const values = {};
  for (const [name, p] of Object.entries(template.Parameters ?? {})) {
    let text = given[name] ?? p.Default;
    if (text === undefined) throw Error(`parameter ${name} has no value`);
    const isList = p.Type === 'CommaDelimitedList' || p.Type.startsWith('List<');
    const members = isList ? [text].flat().flatMap((x) => String(x).split(',')) : [text];
    for (const member of members) {
      const refuse = (why) => {
        throw Error(`parameter ${name}: "${member}" ${why}`);
      };
      if (p.AllowedPattern && !new RegExp(p.AllowedPattern).test(String(member)))
        refuse(`does not match ${p.AllowedPattern}`);
      if (p.AllowedValues && !p.AllowedValues.map(String).includes(String(member)))
        refuse(`is none of ${p.AllowedValues}`);
      if (p.MinValue !== undefined && Number(member) < p.MinValue) refuse(`is less than ${p.MinValue}`);
      if (p.MaxValue !== undefined && Number(member) > p.MaxValue) refuse(`is more than ${p.MaxValue}`);
      if (p.MinLength !== undefined && String(member).length < p.MinLength) refuse(`is shorter than ${p.MinLength}`);
      if (p.MaxLength !== undefined && String(member).length > p.MaxLength) refuse(`is longer than ${p.MaxLength}`);
    }
    values[name] = isList ? members.map(String) : String(text);
  }
  return values;
}

// checkRules throws for the first assertion of the section Rules that does not hold.
function checkRules(rules, value) {
  for (const [name, rule] of Object.entries(rules)) {
    if (rule.RuleCondition && !value(rule.RuleCondition)) continue;
    for (const { Assert, AssertDescription } of rule.Assertions) {
      if (!value(Assert)) throw Error(`rule ${name}: ${AssertDescription}`);
    }
  }
}

// cidr cuts a block of IPv4 addresses into blocks of 2^bits addresses.
function cidr(block, count, bits) {
  const [address, length] = block.split('/');
  const first = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  if (count * 2 ** bits > 2 ** (32 - Number(length)))
    throw Error(`Cidr: ${count} blocks of 2^${bits} do not fit into ${block}`);
  return Array.from({ length: count }, (_, i) => {
    const at = first + i * 2 ** bits;
    return `${[24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.')}/${32 - bits}`;
  });
}
