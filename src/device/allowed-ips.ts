/**
 * Cryptokey routing (section 2): which peer owns the longest prefix of an address, v4 and v6.
 *
 * A path-compressed binary trie per family: every node holds a prefix; one without an owner is there only because two
 * branches part at it. Lookups compare each bit of an address at most once and work on packet bytes as they lie.
 */
import { cidr, maskCidr, type Cidr, type IpFamily } from '../ip.ts';

interface TrieNode<Owner> {
  /** Host bits are zero. */
  readonly prefix: Cidr;
  owner: Owner | undefined;
  zero: TrieNode<Owner> | undefined;
  one: TrieNode<Owner> | undefined;
}

export class AllowedIps<Owner> {
  #root4: TrieNode<Owner> | undefined;
  #root6: TrieNode<Owner> | undefined;
  /** In the order of insertion, which is how wg(8) lists them. */
  readonly #byOwner = new Map<Owner, Set<TrieNode<Owner>>>();

  /** The owner of the longest prefix of the address (4 or 16 bytes) at `offset`. Allocates nothing. */
  lookup(family: IpFamily, buffer: Uint8Array, offset: number): Owner | undefined {
    let owner: Owner | undefined;
    let known = 0; // leading bits that are already compared
    let node = family === 4 ? this.#root4 : this.#root6;
    while (node !== undefined && matches(node.prefix, buffer, offset, known)) {
      if (node.owner !== undefined) owner = node.owner;
      known = node.prefix.prefixLength;
      if (known === (family === 4 ? 32 : 128)) break;
      node = bitAt(buffer, offset, known) === 0 ? node.zero : node.one;
    }
    return owner;
  }

  /** Gives the prefix to `owner`, taking it from whoever has it. One that is there already moves to the end of its list. */
  insert(prefix: Cidr, owner: Owner): void {
    const node = this.#nodeFor(maskCidr(prefix));
    this.#disown(node);
    node.owner = owner;
    const nodes = this.#byOwner.get(owner);
    if (nodes === undefined) this.#byOwner.set(owner, new Set([node]));
    else nodes.add(node);
  }

  /** Takes exactly this prefix away from `owner`; nothing happens when it is not theirs. */
  remove(prefix: Cidr, owner: Owner): void {
    const masked = maskCidr(prefix);
    const node = this.#find(masked);
    if (node?.owner !== owner) return;
    this.#disown(node);
    this.#prune(masked);
  }

  removeAll(owner: Owner): void {
    for (const node of this.#byOwner.get(owner) ?? []) this.remove(node.prefix, owner);
  }

  /** Makes `prefixes` all that `owner` has. What is in both the old and the new set is routed at every moment. */
  replace(owner: Owner, prefixes: readonly Cidr[]): void {
    const before = new Set(this.#byOwner.get(owner));
    for (const prefix of prefixes) {
      this.insert(prefix, owner);
      before.delete(this.#find(maskCidr(prefix))!); // just inserted
    }
    for (const node of before) this.remove(node.prefix, owner);
  }

  /** In the order of insertion. */
  list(owner: Owner): Cidr[] {
    return Array.from(this.#byOwner.get(owner) ?? [], (node) => node.prefix);
  }

  /** How many prefixes `owner` has. */
  count(owner: Owner): number {
    return this.#byOwner.get(owner)?.size ?? 0;
  }

  /** Every prefix and whose it is. */
  *entries(): Generator<readonly [prefix: Cidr, owner: Owner]> {
    for (const [owner, nodes] of this.#byOwner) for (const { prefix } of nodes) yield [prefix, owner];
  }

  /** The node of this prefix, made when it is not there. */
  #nodeFor(prefix: Cidr): TrieNode<Owner> {
    const { bytes, prefixLength } = prefix;
    let parent: TrieNode<Owner> | undefined;
    let node = this.#child(undefined, prefix);
    while (node !== undefined && node.prefix.prefixLength <= prefixLength && matches(node.prefix, bytes, 0, 0)) {
      if (node.prefix.prefixLength === prefixLength) return node;
      parent = node;
      node = this.#child(parent, prefix);
    }
    const leaf = createNode<Owner>(prefix);
    if (node === undefined) {
      this.#setChild(parent, leaf);
      return leaf;
    }
    const shared = commonBits(node.prefix, prefix);
    const top = shared === prefixLength ? leaf : createNode<Owner>(maskCidr(cidr(prefix, shared)));
    this.#setChild(parent, top);
    this.#setChild(top, node);
    if (top !== leaf) this.#setChild(top, leaf);
    return leaf;
  }

  #find(prefix: Cidr): TrieNode<Owner> | undefined {
    let node = this.#child(undefined, prefix);
    while (node !== undefined && matches(node.prefix, prefix.bytes, 0, 0)) {
      if (node.prefix.prefixLength === prefix.prefixLength) return node;
      if (node.prefix.prefixLength > prefix.prefixLength) return undefined;
      node = this.#child(node, prefix);
    }
    return undefined;
  }

  #disown(node: TrieNode<Owner>): void {
    if (node.owner === undefined) return;
    const nodes = this.#byOwner.get(node.owner);
    nodes?.delete(node);
    if (nodes?.size === 0) this.#byOwner.delete(node.owner);
    node.owner = undefined;
  }

  /** Takes the ownerless node of `prefix` out, and its parent too when that is no longer a fork. */
  #prune(prefix: Cidr): void {
    let grandparent: TrieNode<Owner> | undefined;
    let parent: TrieNode<Owner> | undefined;
    let node = this.#child(undefined, prefix)!; // the caller has found it
    while (node.prefix.prefixLength < prefix.prefixLength) {
      grandparent = parent;
      parent = node;
      node = this.#child(parent, prefix)!;
    }
    this.#splice(parent, node);
    if (parent !== undefined) this.#splice(grandparent, parent);
  }

  /** Replaces an ownerless node by its only child, or by nothing; a fork stays. */
  #splice(parent: TrieNode<Owner> | undefined, node: TrieNode<Owner>): void {
    if (node.owner !== undefined || (node.zero !== undefined && node.one !== undefined)) return;
    const child = node.zero ?? node.one;
    if (child !== undefined) this.#setChild(parent, child);
    else if (parent !== undefined) setSide(parent, sideOf(parent, node.prefix), undefined);
    else if (node.prefix.family === 4) this.#root4 = undefined;
    else this.#root6 = undefined;
  }

  /** The child of `parent` towards `prefix`; without a parent the root. */
  #child(parent: TrieNode<Owner> | undefined, prefix: Cidr): TrieNode<Owner> | undefined {
    if (parent === undefined) return prefix.family === 4 ? this.#root4 : this.#root6;
    return sideOf(parent, prefix) === 0 ? parent.zero : parent.one;
  }

  #setChild(parent: TrieNode<Owner> | undefined, child: TrieNode<Owner>): void {
    if (parent !== undefined) setSide(parent, sideOf(parent, child.prefix), child);
    else if (child.prefix.family === 4) this.#root4 = child;
    else this.#root6 = child;
  }
}

function createNode<Owner>(prefix: Cidr): TrieNode<Owner> {
  return { prefix, owner: undefined, zero: undefined, one: undefined };
}

function sideOf<Owner>(parent: TrieNode<Owner>, prefix: Cidr): number {
  return bitAt(prefix.bytes, 0, parent.prefix.prefixLength);
}

function setSide<Owner>(parent: TrieNode<Owner>, side: number, child: TrieNode<Owner> | undefined): void {
  if (side === 0) parent.zero = child;
  else parent.one = child;
}

function bitAt(buffer: Uint8Array, offset: number, index: number): number {
  return (buffer[offset + (index >>> 3)]! >>> (7 - (index & 7))) & 1;
}

/** Whether the address at `offset` lies in `prefix`, when its first `known` bits are known to. */
function matches(prefix: Cidr, buffer: Uint8Array, offset: number, known: number): boolean {
  const { bytes, prefixLength } = prefix;
  const whole = prefixLength >>> 3;
  for (let i = known >>> 3; i < whole; i++) if (bytes[i] !== buffer[offset + i]) return false;
  const rest = prefixLength & 7;
  return rest === 0 || ((bytes[whole]! ^ buffer[offset + whole]!) & (0xff00 >> rest) & 0xff) === 0;
}

function commonBits(a: Cidr, b: Cidr): number {
  const limit = Math.min(a.prefixLength, b.prefixLength);
  for (let i = 0; 8 * i < limit; i++) {
    const difference = a.bytes[i]! ^ b.bytes[i]!;
    if (difference !== 0) return Math.min(limit, 8 * i + Math.clz32(difference) - 24);
  }
  return limit;
}
