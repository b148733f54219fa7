/** Reads what tests need out of the registry's OpenAPI document. */

/** A JSON schema, as far as the registry uses it. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** False: no other fields. */
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** With its parameters: `/v1/networks/{network}`. */
  readonly path: string;
  /** Names of the security schemes that open it; none for everybody. */
  readonly roles: readonly string[];
  /** The schema of its body in JSON. */
  readonly body: Schema | undefined;
  readonly parameters: readonly { name: string; in: string; description?: string; schema: Schema }[];
  /** By status: the schemas by media type. */
  readonly responses: Readonly<Record<string, { content?: Readonly<Record<string, { schema: Schema }>> }>>;
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        security?: Record<string, unknown>[];
        requestBody?: { content: Record<string, { schema: Schema }> };
        parameters?: Operation['parameters'];
        responses: Operation['responses'];
      }
    >
  >;
}

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      roles: (operation.security ?? []).flatMap((scheme) => Object.keys(scheme)),
      body: operation.requestBody?.content['application/json']?.schema,
      parameters: operation.parameters ?? [],
      responses: operation.responses,
    })),
  );
}
