-- What a dump can hold: many types, odd names, every kind of relation that has rows or none.
SET client_encoding = 'UTF8';
SET timezone = 'UTC';

CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s "happy"');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);

CREATE TABLE types (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  small smallint, big bigint, exact numeric(30, 10), single real, wide double precision,
  words text, fixed char(5), short varchar(10), raw bytea, yes boolean,
  day date, hour time, moment timestamptz, span interval, key uuid,
  doc json, docb jsonb, numbers int[], texts text[], address inet, net cidr, mac macaddr,
  place point, shape polygon, between_ int4range, lexemes tsvector, bits bit(8), varbits varbit,
  feeling mood, pairs pair, share percent, price money,
  doubled bigint GENERATED ALWAYS AS (big * 2) STORED
);
INSERT INTO types (small, big, exact, single, wide, words, fixed, short, raw, yes, day, hour, moment,
    span, key, doc, docb, numbers, texts, address, net, mac, place, shape, between_, lexemes, bits,
    varbits, feeling, pairs, share, price) VALUES
  (-32768, -4611686018427387904, 12345678901234567890.0123456789, 'NaN', '-Infinity',
    E'tab\tline\nreturn\rback\\slash \\. end', 'abc', '', '\x000102ff0a0d5c2e', true, '0044-03-15 BC',
    '23:59:59.999999', '2026-03-29 02:30:00+00', '1 year -2 days 03:04:05.678',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null, "\u00e9"]}', '{"b": {"c": 1.50}}',
    '{1,NULL,3}', ARRAY['a,b', 'c"d', E'e\nf', NULL, ''], '192.168.0.1/24', '10.0.0.0/8',
    '08:00:2b:01:02:03', '(1.5,-2)', '((0,0),(1,1),(1,0))', '[1,10)', 'a:1 fat:2,4 cat:3',
    B'10101010', B'101', 'it''s "happy"', ROW(1, E'x\ty'), 100, '12.34'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (1, 2, 3, 4, 5, '\.', '\.', '\.', '\x5c2e', false, 'infinity', '00:00', '-infinity', '0',
    '00000000-0000-0000-0000-000000000000', '[]', '{}', '{}', '{}', '::1', '::/0',
    'ff:ff:ff:ff:ff:ff', '(0,0)', '((0,0))', 'empty', '', B'00000000', B'', 'sad', ROW(NULL, ''), 0,
    '-0.01');

CREATE TABLE no_rows (id int PRIMARY KEY, name text);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE one_text (line text);
INSERT INTO one_text VALUES ('\.'), (''), (NULL), (E'\\.\n\\.'), ('same'), ('same');
CREATE TABLE wide_rows (id int PRIMARY KEY, body text);
INSERT INTO wide_rows
  SELECT g, repeat(md5(g::text), 20000) FROM generate_series(1, 3) g;
CREATE TABLE many_rows (id int PRIMARY KEY, body text, gone int);
INSERT INTO many_rows SELECT g, md5(g::text) || g, 0 FROM generate_series(1, 5000) g;
ALTER TABLE many_rows DROP COLUMN gone;

CREATE TABLE events (at date NOT NULL, what text, id serial) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2030-01-01')
  PARTITION BY LIST (what);
CREATE TABLE events_new_a PARTITION OF events_new FOR VALUES IN ('a');
CREATE TABLE events_new_rest PARTITION OF events_new DEFAULT;
INSERT INTO events (at, what)
  SELECT date '2020-01-01' + g * 7, chr(97 + g % 3) FROM generate_series(1, 400) g;

CREATE TABLE parent (id int);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 'two');

CREATE SCHEMA "Other schema";
CREATE TABLE "Other schema".no_rows (id int);
INSERT INTO "Other schema".no_rows VALUES (7);
CREATE TABLE "Other schema"."it's ""quoted""; -- and
 two lines" ("a ""b""" int, "sel""ect" text);
INSERT INTO "Other schema"."it's ""quoted""; -- and
 two lines" VALUES (1, 'x');
CREATE TABLE U&"Gr\00fc\00df \+01f600" (U&"\00e4" int);
INSERT INTO U&"Gr\00fc\00df \+01f600" VALUES (1), (2);
CREATE TABLE abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz1 (id int);
INSERT INTO abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz1 VALUES (63);

CREATE MATERIALIZED VIEW summary AS SELECT what, count(*) AS events FROM events GROUP BY what;
CREATE MATERIALIZED VIEW not_filled AS SELECT 1 AS one WITH NO DATA;
CREATE VIEW seen AS SELECT id, words FROM types;
CREATE SEQUENCE counter START 42 INCREMENT BY -3 MINVALUE -1000 MAXVALUE 1000;
SELECT nextval('counter'), nextval('counter');

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  -- PostgreSQL database dump complete
  RAISE EXCEPTION 'no changes';
END
$body$;
CREATE TRIGGER no_changes BEFORE UPDATE OR DELETE ON one_text
  FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE INDEX ON many_rows (body);
ALTER TABLE "Other schema".no_rows ADD CONSTRAINT positive CHECK (id > 0);
ALTER TABLE no_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON no_rows USING (name = current_user);
COMMENT ON TABLE types IS E'a comment\nwith two lines';
GRANT SELECT ON types TO PUBLIC;

SELECT lo_from_bytea(3000000001, '\x00010aff0d0a');
SELECT lo_from_bytea(70001, '');
SELECT lo_from_bytea(70002, decode(repeat('00', 100000), 'hex'));
SELECT lo_from_bytea(4294967295, convert_to(repeat(E'large\n', 20000), 'UTF8'));
COMMENT ON LARGE OBJECT 70001 IS 'empty';
GRANT SELECT ON LARGE OBJECT 70002 TO PUBLIC;
