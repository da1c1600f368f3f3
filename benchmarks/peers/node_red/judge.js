// Parses a message and judges it: rows for every value, and an alert when a smoke alarm's contact closes or smoke goes
// beyond 5 %/m; it is over below 3 %/m. What is known of a device is kept in the flow's memory, as flows do.
const [, , , device] = msg.topic.split("/");
const message = JSON.parse(msg.payload);
const at = new Date(message.measured_at * 1000).toISOString().slice(0, 20) +
    String(Math.round((message.measured_at % 1) * 1e6)).padStart(6, "0") + "Z";
const rows = Object.entries(message.values).map(([quantity, value]) => ({ at, device, quantity, value }));
const known = flow.get("alarm") || flow.set("alarm", new Map()) || flow.get("alarm");
let alert = null;
const { smoke_alarm: contact, smoke_obscuration: smoke } = message.values;
const on = contact === 1 || smoke > 5;
const off = contact === 0 || (contact === undefined && smoke < 3 && known.get(device) === "smoke");
if (on && !known.has(device)) {
    known.set(device, contact === 1 ? "contact" : "smoke");
    alert = { at, device };
} else if (off) {
    known.delete(device);
}
return [{ rows, alert }, alert && { payload: JSON.stringify(alert) }];
