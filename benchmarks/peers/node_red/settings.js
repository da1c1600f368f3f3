// Node-RED without its editor. The database's pool is handed to function nodes as Node-RED's documentation advises
// (functionGlobalContext); its address comes in libpq's variables. A connection that breaks must not end the process.
const { Pool } = require('pg');
const pool = new Pool({ max: 10 });
pool.on('error', () => {});
// the same for a connection that is in use when the database goes: an error nobody listens to ends the process
pool.on('connect', (client) => client.on('error', () => {}));

module.exports = {
  uiHost: '127.0.0.1',
  uiPort: Number(process.env.PEER_PORT),
  httpAdminRoot: false,
  flowFile: 'flows.json',
  credentialSecret: false,
  functionGlobalContext: { pool },
  logging: { console: { level: 'warn', metrics: false, audit: false } },
};
