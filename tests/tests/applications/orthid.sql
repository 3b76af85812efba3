create table tenants (id int primary key, name text not null);
create table users (id int primary key, tenant_id int not null references tenants,
  email text not null unique, password_hash text, avatar_key text);
create table sessions (id uuid primary key default gen_random_uuid(), user_id int not null references users);
create table roles (id int primary key, tenant_id int not null references tenants, name text not null);
create table signing_keys (key_id text primary key, public_key text not null);
create table encrypted_fields (id serial primary key, tenant_id int not null references tenants,
  user_id int not null references users, name text not null, key_id text not null, sealed text not null);
create table audit_exports (id serial primary key, object_key text not null, bytes bigint not null);
create table document_bundles (id serial primary key, object_key text not null, bytes bigint not null);
create table audit_log (seq bigint primary key, tenant_id int not null references tenants, event text not null,
  previous_hash text not null, hash text not null);
create function add_audit(tenant int, event text) returns void language sql as $$
  insert into public.audit_log
    select seq, tenant, event, previous, encode(sha256((previous || event)::bytea), 'hex')
    from (select coalesce(max(seq), 0) + 1 as seq, coalesce((select hash from public.audit_log
      order by seq desc limit 1), 'genesis') as previous from public.audit_log) last
$$;
do $$ declare name text; begin
  foreach name in array array['users', 'roles', 'encrypted_fields', 'audit_log'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy tenant on %I for all to orthid
      using (tenant_id = current_setting(''orthid.tenant'')::int)', name);
    execute format('grant select, insert on %I to orthid', name);
  end loop;
end $$;
insert into tenants values (1, 'Harbour Legal'), (2, 'Northern Clinic');
insert into users select n, n % 2 + 1, 'u' || n || '@example.com', encode(sha256(('pw' || n)::bytea), 'hex'), null
  from generate_series(1, 30) n;
insert into roles values (1, 1, 'admin'), (2, 2, 'admin');
