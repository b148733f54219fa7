/** Two hosts of a network, of which the first asks. */
import { startLab } from './lab.ts';

export async function startPair(t: Parameters<typeof startLab>[0]) {
  const lab = await startLab(t);
  const token = await lab.token({ uses: 100, routes: ['172.16.0.0/12'] });
  const dolores = await lab.enrol(token, { name: 'dolores', endpoint: '203.0.113.54:51000' });
  const maeve = await lab.enrol(token, { name: 'maeve' });
  const peers = (query = '', headers = {}) => lab.ask('GET', `/v1/peers${query}`, { as: dolores.hostKey, headers });
  return { lab, token, dolores, maeve, peers };
}
