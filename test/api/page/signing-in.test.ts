import assert from 'node:assert/strict';
import { signToken, token } from '../support.ts';
import { needsChromium, openPage, servePage } from './support.ts';

describe('signing in on the operator page', function () {
  needsChromium();

  it('takes a token that is pasted, keeps it for the tab, and forgets it on request', async () => {
    const { openSignedOut, close } = await servePage();
    const page = await openSignedOut();
    await page.getByLabel('Access token').fill(`Bearer ${token}`);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.getByText('alice').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
    assert.equal(await page.evaluate('localStorage.length'), 0);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Access token').waitFor();
    assert.equal(await page.evaluate('sessionStorage.length'), 0);
    await close();
  });

  it('asks for another token where one is not accepted, and says why', async () => {
    const { openSignedOut, close } = await servePage();
    const page = await openSignedOut();
    await page.getByLabel('Access token').fill(await signToken({ exp: 1 }));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This token is not accepted: it must be a JWT').waitFor();
    assert.equal(await page.getByLabel('Access token').inputValue(), '');
    await close();
  });

  it('takes the token that npm run dev puts behind the address, and takes it out of there', async () => {
    const { url, close } = await servePage();
    const seen: string[] = [];
    const tab = await openPage('about:blank');
    tab.page.on('request', (request) => seen.push(request.url()));
    await tab.page.goto(`${url}/#token=${token}`);
    await tab.page.getByRole('heading', { name: 'Jobs' }).waitFor();
    assert.equal(tab.page.url(), `${url}/#/`);
    await tab.page.goBack();
    assert.ok(!tab.page.url().includes('token'));
    await tab.close();
    assert.ok(seen.length > 0);
    await close();
  });

  it('takes no token from an address on another machine', async () => {
    const { url, close } = await servePage();
    const { port } = new URL(url);
    const tab = await openPage('about:blank');
    await tab.page.route('http://apollo.example.com/**', async (route) => {
      const path = new URL(route.request().url()).pathname;
      await route.fulfill({ response: await route.fetch({ url: `http://127.0.0.1:${port}${path}` }) });
    });
    await tab.page.goto(`http://apollo.example.com/#token=${token}`);
    await tab.page.getByLabel('Access token').waitFor();
    assert.equal(await tab.page.evaluate('sessionStorage.length'), 0);
    assert.ok(!tab.page.url().includes('token'));
    await tab.close();
    await close();
  });
});
