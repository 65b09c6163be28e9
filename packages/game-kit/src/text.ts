const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes of a text in UTF-8, without building them. */
export function utf8Length(value: string): number {
  let bytes = value.length;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit <= 0xdbff) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/** A text that survives the way over the wire: no lone surrogates, at most `maxBytes` of UTF-8. */
export function isStorableText(value: unknown, maxBytes: number): value is string {
  return typeof value === 'string' && value.isWellFormed() && utf8Length(value) <= maxBytes;
}

export function encodeUtf8(value: string, into: Uint8Array): number {
  return encoder.encodeInto(value, into).written;
}

/** Throws TypeError on bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
