import type { EncodedParts } from './encode.ts';

function mix(hash: number, value: number): number {
  const word = Math.imul(value, 0xcc9e2d51);
  const turned = hash ^ Math.imul((word << 15) | (word >>> 17), 0x1b873593);
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}

function mixBytes(start: number, bytes: Uint8Array): number {
  let hash = mix(start, bytes.length);
  const whole = bytes.length & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    hash = mix(hash, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  }
  for (; i < bytes.length; i++) hash = mix(hash, bytes[i]!);
  return hash;
}

/** 32-bit hash (murmur3) of an encoded state, all parts: 0 to 2^32 - 1. Guards against mistakes, not against people. */
export function hashParts(parts: EncodedParts): number {
  let hash = mixBytes(mixBytes(parts.tick | 0, parts.shared), parts.server);
  for (const { pid, bytes } of parts.slices) hash = mixBytes(mix(hash, pid), bytes);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
