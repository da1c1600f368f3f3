export interface Publishing {
  /** Null where nobody has said where the broker is. */
  host: string | null;
  port: number | null;
  tls: boolean;
  user: string;
  /** "" where it is not shown. */
  password: string;
  topic: string;
}

/** A word of a POSIX shell, whatever is in it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The mosquitto_pub command that sends a smoke detector's all-is-well. */
export function publishCommand({ host, port, tls, user, password, topic }: Publishing): string {
  const secure = tls ? " --tls-use-os-certs" : "";
  const where = `-h ${host ? quoted(host) : "HOST"} -p ${port ?? (tls ? 8883 : 1883)}${secure}`;
  const who = `-u ${quoted(user)} -P ${password ? quoted(password) : "PASSWORD"}`;
  return `mosquitto_pub ${where} ${who} -q 1 -t ${quoted(topic)} -m ${quoted('{"values": {"smoke_alarm": 0, "battery": 95}}')}`;
}
