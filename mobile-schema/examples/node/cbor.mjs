// The CBOR that the frames need: integers, byte strings, texts, lists, maps with text keys, true,
// false and null, all of definite length (RFC 8949).

/** Writes a value. `Uint8Array` becomes a byte string; keys whose value is undefined are left out. */
export function encode(value) {
  const parts = [];
  write(value, parts);
  return Buffer.concat(parts);
}

function write(value, parts) {
  if (value === null) return parts.push(Buffer.from([0xf6]));
  if (typeof value === "boolean") return parts.push(Buffer.from([value ? 0xf5 : 0xf4]));
  if (typeof value === "number") return parts.push(value < 0 ? head(1, -1 - value) : head(0, value));
  if (typeof value === "string") {
    const text = Buffer.from(value, "utf8");
    return parts.push(head(3, text.length), text);
  }
  if (value instanceof Uint8Array) return parts.push(head(2, value.length), value);
  if (Array.isArray(value)) {
    parts.push(head(4, value.length));
    return value.forEach((item) => write(item, parts));
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  parts.push(head(5, entries.length));
  entries.forEach(([key, item]) => { write(key, parts); write(item, parts); });
}

function head(major, count) {
  if (!Number.isSafeInteger(count)) throw new Error(`${count} is no integer`);
  if (count < 24) return Buffer.from([(major << 5) | count]);
  const size = count < 2 ** 8 ? 1 : count < 2 ** 16 ? 2 : count < 2 ** 32 ? 4 : 8;
  const bytes = Buffer.alloc(1 + size);
  bytes[0] = (major << 5) | (24 + Math.log2(size));
  if (size === 8) bytes.writeBigUInt64BE(BigInt(count), 1);
  else bytes.writeUIntBE(count, 1, size);
  return bytes;
}

/** Reads one value; throws where there is less, more, or anything the frames do not have. */
export function decode(bytes) {
  const cbor = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (count) => {
    if (at + count > cbor.length) throw new Error("cut short");
    return cbor.subarray(at, (at += count));
  };
  const argument = (info) => {
    if (info < 24) return info;
    if (info > 27) throw new Error("indefinite length");
    const count = BigInt(`0x${take(1 << (info - 24)).toString("hex")}`);
    if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error("a number too large");
    return Number(count);
  };
  const read = () => {
    const [first] = take(1);
    const [major, info] = [first >> 5, first & 31];
    if (major === 7) {
      if (info < 20 || info > 22) throw new Error(`simple value ${info}`);
      return [false, true, null][info - 20];
    }
    const count = argument(info);
    if (major === 0) return count;
    if (major === 1) return -1 - count;
    if (major === 2) return take(count);
    if (major === 3) return take(count).toString("utf8");
    if (count > cbor.length) throw new Error("cut short");
    if (major === 4) return Array.from({ length: count }, read);
    if (major === 5) return Object.fromEntries(Array.from({ length: count }, () => [read(), read()]));
    throw new Error(`major type ${major}`);
  };
  const value = read();
  if (at !== cbor.length) throw new Error("bytes left over");
  return value;
}
