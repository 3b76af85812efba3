create extension pgcrypto;
create table users (id serial primary key, email text not null unique, password_hash text not null);
create table licenses (id serial primary key, sealed_license text not null);
create table compliance_records (id serial primary key, rule text not null, met bool not null);
create table documents (id int primary key, title text not null, storage_path text not null unique, encrypted_bytes bigint not null);
create table document_keys (document_id int primary key references documents, wrapped_key text not null);
create table audit_events (seq bigint primary key, event text not null, previous_hmac text not null, hmac text not null);
create function add_event(event text, secret text) returns void language sql as $$
  insert into public.audit_events
    select seq, event, previous, encode(public.hmac(previous || event, secret, 'sha256'), 'hex')
    from (select coalesce(max(seq), 0) + 1 as seq, coalesce((select hmac from public.audit_events
      order by seq desc limit 1), 'genesis') as previous from public.audit_events) last
$$;
insert into users (email, password_hash) select 'u' || n || '@firm.example', crypt('pw' || n, gen_salt('bf', 4))
  from generate_series(1, 10) n;
insert into compliance_records (rule, met) select 'rule ' || n, true from generate_series(1, 5) n;
