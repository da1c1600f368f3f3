import { expect, it } from "vitest";
import { publishCommand, quoted } from "./command";

it("quotes what a shell would take apart", () => {
  expect(quoted("gateway-home-1")).toBe("gateway-home-1");
  expect(quoted("it's $5")).toBe(`'it'\\''s $5'`);
  expect(quoted("")).toBe("''");
});

it("names the address, the account and the topic", () => {
  const command = publishCommand({ host: "10.0.0.5", port: 18830, tls: false, user: "gateway-a", password: "x y", topic: "anhu/v1/a/smk-1/readings" });
  expect(command).toBe(
    `mosquitto_pub -h 10.0.0.5 -p 18830 -u gateway-a -P 'x y' -q 1 -t anhu/v1/a/smk-1/readings -m '{"values": {"smoke_alarm": 0, "battery": 95}}'`,
  );
});

it("leaves places to be filled in where nothing is known", () => {
  const command = publishCommand({ host: null, port: null, tls: true, user: "u", password: "", topic: "t" });
  expect(command).toContain("-h HOST -p 8883 --tls-use-os-certs -u u -P PASSWORD");
});
