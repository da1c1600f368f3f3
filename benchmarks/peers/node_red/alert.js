// Default: one row an alert.
const { device, quantity, at } = msg.payload;
await global.get('pool').query(
  'INSERT INTO peer_alerts (device, quantity, measured_at) VALUES ($1, $2, to_timestamp($3::float8))',
  [device, quantity, at],
);
return null;
