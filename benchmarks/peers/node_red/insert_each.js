// The flow everybody begins with: what a message holds is inserted as it comes.
const pool = global.get("pool");
for (const { at, device, quantity, value } of msg.rows) {
    await pool.query("INSERT INTO peer_readings VALUES ($1, $2, $3, $4)", [at, device, quantity, value]);
}
if (msg.alert) await pool.query("INSERT INTO peer_alerts VALUES ($1, $2)", [msg.alert.at, msg.alert.device]);
return null;
