/** Requests for an operation of the OpenAPI document: some that fit its schemas, and some that fit nothing. */
import * as fc from 'fast-check';
import type { Operation, Schema } from './operations.ts';

export interface ArbitraryRequest {
  path: string;
  body: string | undefined;
  contentType: string | undefined;
  accept: string;
  /** Which credential: one that opens the operation, one that nobody made, or none. */
  as: 'right' | 'wrong' | 'none';
  /** Of several roles that open the operation, the one that asks. */
  turn: number;
}

export function requestsOf(operation: Operation): fc.Arbitrary<ArbitraryRequest> {
  const parametersIn = (place: string) => operation.parameters.filter((parameter) => parameter.in === place);
  const inPath = parametersIn('path').map(({ name, schema }): Field => [
    name,
    fc.oneof(fc.constant('home'), fitting(schema), fc.string({ minLength: 1 })),
  ]);
  const inQuery = parametersIn('query')
    .filter(({ name }) => name !== 'wait') // held requests would only make the test slow
    .map(({ name, schema }): Field => [name, fc.oneof(fitting(schema), fc.string())]);
  return fc
    .record({
      parameters: recordOf(inPath),
      query: recordOf([], inQuery),
      body: bodies(operation.body),
      contentType: fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'text/csv'),
      accept: fc.constantFrom('*/*', 'application/json', 'text/plain', 'image/png'),
      as: fc.constantFrom('right' as const, 'right' as const, 'wrong' as const, 'none' as const),
      turn: fc.nat({ max: 5 }),
    })
    .map(({ parameters, query, body, contentType, ...rest }) => ({
      ...rest,
      body,
      contentType: body === undefined ? undefined : contentType,
      path: `${fillIn(operation.path, parameters)}?${formatQuery(query)}`,
    }));
}

type Field = readonly [name: string, values: fc.Arbitrary<unknown>];

function bodies(schema: Schema | undefined): fc.Arbitrary<string | undefined> {
  if (schema === undefined) return fc.constant(undefined);
  const fits = fitting(schema).map((value) => JSON.stringify(value));
  return fc.oneof({ weight: 3, arbitrary: fits }, fc.json(), fc.string(), fc.constant('{'));
}

/** Values of a schema, as far as the registry's schemas go. */
function fitting(schema: Schema): fc.Arbitrary<unknown> {
  const { type, properties = {}, required = [], items = {}, pattern, minimum, maximum, maxLength } = schema;
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object': {
      const fields = Object.entries(properties).map(([name, field]): Field => [name, fitting(field)]);
      const isRequired = ([name]: Field): boolean => required.includes(name);
      return recordOf(
        fields.filter(isRequired),
        fields.filter((field) => !isRequired(field)),
      );
    }
    case 'array':
      return fc.array(fitting(items), { maxLength: 4 });
    case 'integer':
      return fc.integer({ min: minimum ?? 0, max: maximum ?? 2 ** 31 });
    case 'string':
      return pattern === undefined ? fc.string({ maxLength: maxLength ?? 80 }) : fc.stringMatching(new RegExp(pattern));
    default:
      return fc.anything();
  }
}

function recordOf(required: readonly Field[], optional: readonly Field[] = []): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .tuple(fc.record(Object.fromEntries(required)), fc.record(Object.fromEntries(optional), { requiredKeys: [] }))
    .map(([present, perhaps]) => ({ ...present, ...perhaps }));
}

function fillIn(path: string, parameters: Record<string, unknown>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parameters[name])));
}

function formatQuery(query: Record<string, unknown>): string {
  return Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&');
}
