/** What follows from an object alone, made once for as long as the object lives: for lists whose most entries stay from one request to the next. */

/** `make` must need nothing but the object, which nobody may change. */
export function perObject<K extends object, V>(make: (object: K) => V): (object: K) => V {
  const made = new WeakMap<K, V>();
  return (object) => {
    const known = made.get(object);
    if (known !== undefined) return known;
    const value = make(object);
    made.set(object, value);
    return value;
  };
}
