import { setFlagsFromString } from 'node:v8';
import { runService } from '@breakwater/service-kit';
import { service } from './app.ts';

await runService(service);
// Every connection that is opened survives, which V8 takes as a reason to double its young generation again and
// again. It is large enough after the start; left to grow it costs as much memory as the idle connections do.
setFlagsFromString('--semi-space-growth-factor=1');
