create table tenants (id int primary key, name text not null);
create table organizations (id int primary key, tenant_id int not null references tenants);
create table users (id int primary key, organization_id int not null references organizations, keycloak_id text not null);
create table proofs (id int primary key, object_key text not null unique, bytes bigint not null, created_at timestamptz not null default now());
create table certificates (id int primary key, proof_id int not null references proofs, pdf_key text not null, json_key text not null);
create table billing_reports (id serial primary key, object_key text not null);
create table consumption_receipts (sequence bigint primary key, proof_id int not null references proofs, previous_hash text not null, hash text not null);
create table audit_log (id bigint primary key, event text not null, previous_hash text not null, hash text not null);
create table jobs (id serial primary key, kind text not null, state text not null);
create table dead_letters (id serial primary key, job text not null, reviewed_at timestamptz);
create table idempotency_keys (key text primary key, state text not null, expires_at timestamptz not null);
create table licenses (id serial primary key, name text not null);
create table verification_logs (id serial primary key, proof_id int not null references proofs);
create function add_receipt(proof int) returns void language sql as $$
  insert into public.consumption_receipts
    select sequence, proof, previous, encode(sha256((previous || proof)::bytea), 'hex')
    from (select coalesce(max(sequence), 0) + 1 as sequence, coalesce((select hash from public.consumption_receipts
      order by sequence desc limit 1), 'genesis') as previous from public.consumption_receipts) last
$$;
create function add_audit(event text) returns void language sql as $$
  insert into public.audit_log
    select id, event, previous, encode(sha256((previous || event)::bytea), 'hex')
    from (select coalesce(max(id), 0) + 1 as id, coalesce((select hash from public.audit_log
      order by id desc limit 1), 'genesis') as previous from public.audit_log) last
$$;
insert into tenants values (1, 'Notary');
insert into organizations values (1, 1);
insert into users select n, 1, 'kc' || n from generate_series(1, 10) n;
insert into licenses (name) values ('standard');
