import { runService } from '@breakwater/service-kit';
import { app } from './app.ts';
import { schema } from './config.ts';

await runService({ name: 'simulation', schema, readyWithoutNats: false, app });
