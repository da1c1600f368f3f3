#!/bin/sh
# What collectd's exec plugin starts for each notification: a failure becomes a row. The notification comes on the
# standard input as headers, an empty line and a text.
severity= instance= plugin= at=
while IFS=': ' read -r name value && [ -n "$name" ]; do
  case $name in
    Severity) severity=$value ;;
    Plugin) plugin=$value ;;
    PluginInstance) instance=$value ;;
    Time) at=$value ;;
  esac
done
[ "$severity" = FAILURE ] || exit 0
tries={tries}
while [ "$tries" -gt 0 ]; do
  '{psql}' '{url}' -qc "INSERT INTO peer_alerts (device, quantity, measured_at)
    VALUES ('$plugin-$instance', '', to_timestamp($at))" && exit 0
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] && sleep 1
done
exit 1
