/** A file of an init system. */
export interface ServiceFile {
  /** Its name in the init system's folder. */
  name: string;
  text: string;
  mode: number;
}

/** How to start `peerage`: the full path of a program, and its first arguments. */
export type Self = readonly [program: string, ...args: string[]];

/** An interface each, or the registry. */
export type ServiceKind = 'interface' | 'registry';
