CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, photo bytea);
INSERT INTO users VALUES (1, 'Ada', '\x00ff0a0d'), (2, E'tab\tline\nend', NULL), (3, '', '');
CREATE TABLE "odd ""name""" (id int);
CREATE SCHEMA app;
CREATE TABLE app.log (at timestamptz DEFAULT now(), what text);
INSERT INTO app.log SELECT '2026-01-01 00:00+00', 'line ' || g FROM generate_series(1, 20) g;
SELECT lo_from_bytea(4000000000, '\x0a0d000102'), lo_from_bytea(17, '');
