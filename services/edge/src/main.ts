import { runService } from '@breakwater/service-kit';
import { service } from './app.ts';

await runService(service);
