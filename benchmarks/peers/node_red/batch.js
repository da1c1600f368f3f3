// Tuned: parse, judge and gather in one node. A message not newer than the last of its device is stored and not judged
// again, which is what keeps a redelivery from calling twice. batch_start.js writes what is gathered here.
const LIMITS = [['smoke_alarm', 0.5, 0.5], ['temperature', 57, 54]]; // raised at or above, over below
const points = context.get('points').get(msg.topic);
if (!points) return null;
const { measured_at: at, values } = JSON.parse(msg.payload);
const held = context.get('held');
const delay = Math.round(Date.now() - at * 1000);
for (const quantity in values) {
  held.at.push(at);
  held.point.push(points[quantity]);
  held.value.push(values[quantity]);
  held.delay.push(delay);
}
const latest = context.get('latest');
if (at > (latest.get(msg.topic) || 0)) {
  latest.set(msg.topic, at);
  const calling = context.get('calling');
  for (const [quantity, on, off] of LIMITS) {
    const value = values[quantity];
    if (value === undefined) continue;
    const key = `${msg.topic} ${quantity}`;
    if (value >= on && !calling.has(key)) {
      calling.set(key, at);
      const alert = { device: msg.topic.split('/')[3], quantity, value, at };
      held.alerts.push(alert);
      node.send({ payload: alert });
    } else if (value < off) {
      calling.delete(key);
    }
  }
}
return null;
