import { sharedTemporal } from '../support/temporal.ts';
describe('probe', () => { it('starts', async () => { const t=performance.now(); await sharedTemporal(); console.log(performance.now()-t); }); });
