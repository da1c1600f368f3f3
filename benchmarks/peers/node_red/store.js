// Default: one INSERT a message, committed at once.
const rows = msg.payload;
const places = [];
for (let n = 1; n < rows.length; n += 4) {
  places.push(`(to_timestamp($${n}::float8), $${n + 1}::int, $${n + 2}::real, $${n + 3}::int)`);
}
await global.get('pool').query(
  `INSERT INTO readings (measured_at, point_id, value, delay_ms) VALUES ${places.join(', ')} ON CONFLICT DO NOTHING`,
  rows,
);
return null;
