// Tuned, on start, after points.js: every 20 ms (or as soon as the last batch is committed) all that was gathered, at
// most 3,000 rows, in one transaction of one multi-row INSERT; what failed is kept and tried again.
const PERIOD_MS = 20;
const ROWS_MAX = 3000;
const RETRY_MS = 500;
const held = { at: [], point: [], value: [], delay: [], alerts: [] };
context.set('held', held);
context.set('latest', new Map());
const pool = global.get('pool');

async function write(batch) {
  const client = await pool.connect();
  let broken;
  try {
    await client.query('BEGIN');
    await client.query(
      'INSERT INTO readings (measured_at, point_id, value, delay_ms) SELECT to_timestamp(t), p, v, d' +
        ' FROM unnest($1::float8[], $2::int[], $3::real[], $4::int[]) AS batch (t, p, v, d) ON CONFLICT DO NOTHING',
      [batch.at, batch.point, batch.value, batch.delay],
    );
    for (const { device, quantity, at } of batch.alerts) {
      await client.query(
        'INSERT INTO peer_alerts (device, quantity, measured_at) VALUES ($1, $2, to_timestamp($3::float8))',
        [device, quantity, at],
      );
    }
    await client.query('COMMIT');
  } catch (error) {
    broken = error;
    throw error;
  } finally {
    client.release(broken);
  }
}

async function run() {
  const batch = {};
  for (const name in held) batch[name] = held[name].splice(0, name === 'alerts' ? held[name].length : ROWS_MAX);
  while (batch.at.length || batch.alerts.length) {
    try {
      await write(batch);
      break;
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  context.set('timer', setTimeout(run, held.at.length >= ROWS_MAX ? 0 : PERIOD_MS));
}
context.set('timer', setTimeout(run, PERIOD_MS));
