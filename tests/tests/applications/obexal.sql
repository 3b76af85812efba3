create table tenants (id int primary key, name text not null, logo_key text);
create table accounts (id int primary key, tenant_id int not null references tenants, email text not null unique);
create table credentials (account_id int primary key references accounts, hash text not null);
create table mfa_secrets (account_id int primary key references accounts, key_era int not null, sealed text not null);
create table oidc_keys (kid text primary key, key_era int not null, public_key text not null, sealed_private_key text not null,
  retired_at timestamptz);
create table audit_log (id bigint primary key, event text not null, prev_hash text not null, hash text not null);
create function refuse() returns trigger language plpgsql as $$ begin
  raise exception 'the audit log cannot be changed';
end $$;
create trigger audit_log_immutable before update or delete on audit_log for each statement execute function refuse();
create function add_audit(event text) returns void language sql as $$
  insert into public.audit_log
    select id, event, previous, encode(sha256((previous || event)::bytea), 'hex')
    from (select coalesce(max(id), 0) + 1 as id, coalesce((select hash from public.audit_log
      order by id desc limit 1), 'genesis') as previous from public.audit_log) last
$$;
grant select on audit_log to obexal_auditor;
insert into tenants values (1, 'Kanzlei', null), (2, 'Praxis', null);
