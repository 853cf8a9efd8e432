-- A change of the signer that is under way: it can be killed anywhere and goes on from here.

ALTER TABLE mayhouse.installation
    ADD COLUMN rotating_from   mayhouse.address,
    ADD COLUMN rotating_to     mayhouse.address,
    ADD COLUMN rotating_wallet text,
    ADD COLUMN rotating_by     text,
    ADD COLUMN rotating_since  timestamptz,
    ADD CONSTRAINT installation_rotates_whole CHECK (num_nulls(rotating_from, rotating_to,
        rotating_wallet, rotating_by, rotating_since) IN (0, 5)),
    ADD CONSTRAINT installation_rotates_to_another CHECK (rotating_from <> rotating_to);
COMMENT ON COLUMN mayhouse.installation.rotating_to IS
    'The wallet that takes over from rotating_from; while it is set, nothing else is signed.';
COMMENT ON COLUMN mayhouse.installation.rotating_wallet IS
    'Name of the keystore of the wallet that takes over.';
