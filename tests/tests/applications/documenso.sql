create extension pgcrypto;
create type "DocumentDataType" as enum ('S3_PATH', 'BYTES', 'BYTES_64');
create table "User" (id serial primary key, name text, email text not null unique, password text,
  "createdAt" timestamptz not null default now());
create table "Team" (id serial primary key, name text not null, url text not null unique);
create table "DocumentData" (id text primary key, type "DocumentDataType" not null,
  data text not null, "initialData" text not null);
create table "Document" (id serial primary key, "userId" int not null references "User",
  title text not null, status text not null, "documentDataId" text not null references "DocumentData");
create table "Recipient" (id serial primary key, "documentId" int not null references "Document",
  email text not null, "signedAt" timestamptz);
create table "Signature" (id serial primary key, "recipientId" int not null references "Recipient",
  "typedSignature" text);
create table "DocumentAuditLog" (id text primary key default gen_random_uuid(),
  "documentId" int not null references "Document", type text not null, data jsonb not null,
  "createdAt" timestamptz not null default now());
create table "Template" (id serial primary key, title text not null, settings jsonb not null);
create table "ApiToken" (id serial primary key, name text not null, token text not null);
create table "Webhook" (id text primary key, "webhookUrl" text not null, enabled bool not null);
insert into "Team" (name, url) values ('Legal', 'legal'), ('Sales', 'sales');
insert into "Template" (title, settings) values ('Lease', '{"signingOrder": "PARALLEL"}');
insert into "ApiToken" (name, token) values ('ci', encode(sha256('api'), 'hex'));
insert into "Webhook" values ('w1', 'https://example.com/hook', true);
insert into "User" (name, email, password)
  select 'User ' || n, 'user' || n || '@example.com', crypt('password of ' || n, gen_salt('bf', 4))
  from generate_series(1, 20) n;
