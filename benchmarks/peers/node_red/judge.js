// Default: one message in, its readings to the first output, what crossed a threshold to the second.
const LIMITS = { smoke_alarm: [0.5, 0.5], temperature: [57, 54] }; // raised at or above, over below
const points = context.get('points').get(msg.topic);
if (!points) return null;
const calling = context.get('calling');
const { measured_at: at, values } = msg.payload;
const delay = Math.round(Date.now() - at * 1000);
const rows = [];
const alerts = [];
for (const [quantity, value] of Object.entries(values)) {
  rows.push(at, points[quantity], value, delay);
  const limit = LIMITS[quantity];
  if (!limit) continue;
  const key = `${msg.topic} ${quantity}`;
  if (value >= limit[0] && !calling.has(key)) {
    calling.set(key, at);
    alerts.push({ payload: { device: msg.topic.split('/')[3], quantity, value, at } });
  } else if (value < limit[1]) {
    calling.delete(key);
  }
}
return [{ payload: rows }, alerts];
