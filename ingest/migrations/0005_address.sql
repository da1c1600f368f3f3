-- What a gateway calls a device where that is no code of ours: an IEEE address, a LoRaWAN EUI, a name in Chinese or with
-- spaces. Within an institution it names one device.
ALTER TABLE devices ADD COLUMN address text NOT NULL DEFAULT '' CHECK (length(address) <= 128);
CREATE UNIQUE INDEX devices_address ON devices (institution_id, address) WHERE address <> '';
