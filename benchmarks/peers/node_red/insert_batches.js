// The best we could make of it: rows are gathered while the batch before is stored, and go out as one statement in one
// transaction with the alerts; what the database refuses, being away, is kept and tried again. A row that is there
// already is passed over.
const state = context.get("state") || { rows: [], alerts: [], busy: false };
context.set("state", state);
state.rows.push(...msg.rows);
if (msg.alert) state.alerts.push(msg.alert);
if (state.rows.length > 3000000) throw new Error("three million rows wait: no more are taken");
if (state.busy) return null;
state.busy = true;
const pool = global.get("pool");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
while (state.rows.length || state.alerts.length) {
    await pause(20);
    const rows = state.rows.splice(0, 20000);
    const alerts = state.alerts.splice(0);
    for (;;) {
        let client;
        try {
            client = await pool.connect();
            await client.query("BEGIN");
            await client.query(
                "INSERT INTO peer_readings SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::real[])" +
                " ON CONFLICT DO NOTHING",
                [rows.map((r) => r.at), rows.map((r) => r.device), rows.map((r) => r.quantity), rows.map((r) => r.value)],
            );
            if (alerts.length) {
                await client.query(
                    "INSERT INTO peer_alerts SELECT * FROM unnest($1::timestamptz[], $2::text[])",
                    [alerts.map((a) => a.at), alerts.map((a) => a.device)],
                );
            }
            await client.query("COMMIT");
            client.release();
            break;
        } catch (error) {
            if (client) client.release(error);
            node.warn(`kept and tried again: ${error.message}`);
            await pause(500);
        }
    }
}
state.busy = false;
return null;
