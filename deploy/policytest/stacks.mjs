// Every stack that the templates can make, as far as they differ: each receiver in each network with and without a
// reader, and then each value of each parameter that offers a choice.
import { accounts, hubStack, loadTemplate, optional, otherStack, spokeStack, templateNames } from './deployments.mjs';

// many is as many accounts as AWS lets a policy name here.
const many = Array.from({ length: 200 }, (_, i) => String(100000000000 + i)).join(',');

// choices are all values of each parameter of a template that offers a few, and one of each that may be left out.
const choices = (name, template) => [
  ...Object.entries(template.Parameters ?? {})
    .filter(([, { AllowedValues }]) => AllowedValues && AllowedValues.length <= 4)
    .flatMap(([parameter, { AllowedValues }]) => AllowedValues.map((value) => ({ [parameter]: String(value) }))),
  ...(optional[name] ?? []),
];

export const receivers = ['Lambda', 'EC2', 'Fargate'].map((Receiver) => ({ Receiver }));

const product = (...lists) =>
  lists.reduce((all, list) => all.flatMap((one) => list.map((other) => ({ ...one, ...other }))), [{}]);

// parametersOf returns the parameters of each stack of a template.
export function parametersOf(name, template) {
  const single = choices(name, template);
  if (name !== 'hub.yaml') return [{}, ...single];
  const of = (parameter) => single.filter((choice) => parameter in choice);
  const basic = product(receivers, [{}, ...of('VpcId')], of('DatabaseReader'));
  return [...basic, ...product(receivers, single), { SenderAccounts: many }];
}

// stacksOf resolves a template once for each of its stacks: {parameters, resources, outputs}.
export function stacksOf(name, template, hub) {
  const make =
    {
      'hub.yaml': (parameters) => hubStack(template, parameters),
      'spoke.yaml': (parameters) => spokeStack(template, hub, accounts.A, parameters),
    }[name] ?? ((parameters) => otherStack(name, template, hub, parameters));
  return parametersOf(name, template).map((parameters) => {
    try {
      return { parameters, ...make(parameters) };
    } catch (error) {
      throw Error(`${name} with ${JSON.stringify(parameters)}: ${error.message}`);
    }
  });
}

// allTemplates by their names.
export const allTemplates = () => Object.fromEntries(templateNames.map((name) => [name, loadTemplate(name)]));

// policies returns every policy in resolved resources: {resource, type, path, document}.
export function policies(resources) {
  const found = [];
  const visit = (node, place) => {
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node.Statement)) found.push({ ...place, document: node });
    for (const [key, child] of Object.entries(node)) visit(child, { ...place, path: [...place.path, key] });
  };
  for (const [resource, { Type, Properties }] of Object.entries(resources))
    visit(Properties, { resource, type: Type, path: [] });
  return found;
}
