/** W3C `traceparent` text: `00-<trace id>-<span id>-<flags>`. */
export type TraceParent = string;

/** Header that carries a trace through NATS and HTTP. */
export const TRACEPARENT_HEADER = 'traceparent';

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The text if it is a well-formed `traceparent`, else `undefined`. */
export function parseTraceParent(text: string | undefined): TraceParent | undefined {
  return text !== undefined && text !== '' && TRACEPARENT.test(text) ? text : undefined;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work in a trace. When tracing is off this is one shared object that does nothing. */
export interface Span {
  /** What to hand on, so that later work hangs below this span; `undefined` when tracing is off. */
  readonly traceParent: TraceParent | undefined;
  set(name: string, value: string | number | boolean): void;
  /** Marks the span failed. */
  fail(cause: unknown): void;
  end(): void;
}

export interface Tracer {
  readonly enabled: boolean;
  startSpan(name: string, parent?: TraceParent, attributes?: Attributes): Span;
  /** Runs `fn` in a span that ends when `fn` (or its promise) does, failed if it throws. */
  withSpan<T>(
    name: string,
    parent: TraceParent | undefined,
    fn: (span: Span) => T,
    attributes?: Attributes,
  ): T;
  /** Adds the trace to a header record; returns the same record. */
  inject<H extends Record<string, string>>(parent: TraceParent | undefined, headers: H): H;
  /** The trace of a header record. */
  extract(headers: Readonly<Record<string, string | undefined>>): TraceParent | undefined;
}

const NOOP_SPAN: Span = {
  traceParent: undefined,
  set: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};

/** Tracing switched off: nothing is allocated, nothing is handed on. */
export const noopTracer: Tracer = {
  enabled: false,
  startSpan: () => NOOP_SPAN,
  withSpan: (_name, _parent, fn) => fn(NOOP_SPAN),
  inject: (_parent, headers) => headers,
  extract: () => undefined,
};
