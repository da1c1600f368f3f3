// On start: which number each point has, by topic; messages wait in the node until this is known.
const points = new Map();
for (;;) {
  try {
    const found = await global.get('pool').query(
      "SELECT 'anhu/v1/' || i.code || '/' || d.code || '/readings' AS topic, p.quantity, p.id" +
        ' FROM points p JOIN devices d ON d.id = p.device_id JOIN institutions i ON i.id = d.institution_id',
    );
    for (const row of found.rows) {
      if (!points.has(row.topic)) points.set(row.topic, {});
      points.get(row.topic)[row.quantity] = row.id;
    }
    break;
  } catch (error) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
context.set('points', points);
context.set('calling', new Map());
