import { runBareService } from '@breakwater/service-kit';
import { app } from './app.ts';
import { schema } from './config.ts';

await runBareService({ name: 'web', schema, app });
