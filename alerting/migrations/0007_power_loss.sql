-- The mains of a place are gone.
ALTER TABLE alert_events DROP CONSTRAINT alert_events_kind_check;
ALTER TABLE alert_events ADD CONSTRAINT alert_events_kind_check
  CHECK (kind IN ('fire', 'gas', 'co', 'fall', 'sos', 'offline', 'power_loss', 'low_battery', 'sensor_fault', 'anomaly',
    'unanswered', 'system'));
