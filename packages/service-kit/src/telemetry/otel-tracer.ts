import {
  type Context,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  type Attributes,
  parseTraceParent,
  type Span,
  TRACEPARENT_HEADER,
  type TraceParent,
  type Tracer,
} from './tracer.ts';

function contextOf(parent: TraceParent | undefined): Context {
  const checked = parseTraceParent(parent);
  if (checked === undefined) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = '00'] = checked.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
  });
}

class RecordedSpan implements Span {
  readonly #span: OtelSpan;
  readonly traceParent: TraceParent;

  constructor(span: OtelSpan) {
    this.#span = span;
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceParent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }

  set(name: string, value: string | number | boolean): void {
    this.#span.setAttribute(name, value);
  }

  fail(cause: unknown): void {
    // The error's class, not its message: messages may quote what a person wrote.
    this.#span.setStatus({
      code: SpanStatusCode.ERROR,
      message: cause instanceof Error ? cause.name : 'error',
    });
  }

  end(): void {
    this.#span.end();
  }
}

/** Our tracer on an OpenTelemetry one. Parents are handed on by hand: no async context is kept. */
export class OpenTelemetryTracer implements Tracer {
  readonly enabled = true;
  readonly #tracer: OtelTracer;

  constructor(tracer: OtelTracer) {
    this.#tracer = tracer;
  }

  startSpan(name: string, parent?: TraceParent, attributes: Attributes = {}): Span {
    return new RecordedSpan(
      this.#tracer.startSpan(name, { attributes: { ...attributes } }, contextOf(parent)),
    );
  }

  withSpan<T>(
    name: string,
    parent: TraceParent | undefined,
    fn: (span: Span) => T,
    attributes?: Attributes,
  ): T {
    const span = this.startSpan(name, parent, attributes);
    try {
      const result = fn(span);
      if (result instanceof Promise) return this.#whenSettled(result, span) as T;
      span.end();
      return result;
    } catch (cause) {
      span.fail(cause);
      span.end();
      throw cause;
    }
  }

  async #whenSettled<V>(result: Promise<V>, span: Span): Promise<V> {
    try {
      return await result;
    } catch (cause) {
      span.fail(cause);
      throw cause;
    } finally {
      span.end();
    }
  }

  inject<H extends Record<string, string>>(parent: TraceParent | undefined, headers: H): H {
    if (parent !== undefined) Object.assign(headers, { [TRACEPARENT_HEADER]: parent });
    return headers;
  }

  extract(headers: Readonly<Record<string, string | undefined>>): TraceParent | undefined {
    return parseTraceParent(headers[TRACEPARENT_HEADER]);
  }
}
