-- Vaultwarden's tables on PostgreSQL, with the columns for user data.
create role vaultwarden login password 'of-the-application';
create database vaultwarden owner vaultwarden;
\connect vaultwarden
set role vaultwarden;
create table users (
  uuid char(36) primary key, email varchar(255) not null unique, name text not null,
  password_hash bytea not null, salt bytea not null, akey text not null, private_key text,
  public_key text, security_stamp text not null, client_kdf_type int not null default 0,
  client_kdf_iter int not null default 100000, created_at timestamp not null
);
create table devices (
  uuid char(36), user_uuid char(36) not null references users, name text not null,
  atype int not null, refresh_token text not null, primary key (uuid, user_uuid)
);
create table organizations (
  uuid varchar(40) primary key, name text not null, billing_email text not null,
  private_key text, public_key text
);
create table users_organizations (
  uuid char(36) primary key, user_uuid char(36) not null references users,
  org_uuid char(36) not null references organizations, akey text not null, status int not null,
  atype int not null, unique (user_uuid, org_uuid)
);
create table collections (
  uuid varchar(40) primary key, org_uuid varchar(40) not null references organizations,
  name text not null
);
create table ciphers (
  uuid char(36) primary key, user_uuid char(36) references users,
  organization_uuid char(36) references organizations, atype int not null, name text not null,
  notes text, fields text, data text not null, password_history text, deleted_at timestamp,
  created_at timestamp not null, updated_at timestamp not null
);
create table ciphers_collections (
  cipher_uuid char(36) references ciphers, collection_uuid char(36) references collections,
  primary key (cipher_uuid, collection_uuid)
);
create table folders (
  uuid char(36) primary key, user_uuid char(36) not null references users, name text not null
);
create table folders_ciphers (
  cipher_uuid char(36) references ciphers, folder_uuid char(36) references folders,
  primary key (cipher_uuid, folder_uuid)
);
create table attachments (
  id text primary key, cipher_uuid char(36) not null references ciphers, file_name text not null,
  file_size bigint not null, akey text
);
create table sends (
  uuid char(36) primary key, user_uuid char(36) references users, name text not null,
  atype int not null, data text not null, akey text not null, creation_date timestamp not null,
  revision_date timestamp not null, deletion_date timestamp not null, disabled boolean not null
);
create table twofactor (
  uuid char(36) primary key, user_uuid char(36) not null references users, atype int not null,
  enabled boolean not null, data text not null, unique (user_uuid, atype)
);
insert into users
  select 'u' || lpad(n::text, 35, '0'), 'user' || n || '@example.com', 'User ' || n,
    sha256(('hash' || n)::bytea), sha256(('salt' || n)::bytea), '2.key|iv|mac', '2.private|iv|mac',
    'public', 'stamp' || n, n % 2, 600000, now()
  from generate_series(0, 9) n;
insert into devices
  select 'e' || lpad(n::text, 35, '0'), 'u' || lpad((n % 10)::text, 35, '0'), 'Firefox', 10,
    md5(n::text)
  from generate_series(0, 19) n;
insert into organizations values ('o' || repeat('0', 35), 'Family', 'user0@example.com', '2.k', 'p');
insert into users_organizations
  select 'm' || right(uuid, 35), uuid, 'o' || repeat('0', 35), '4.key', 2, 2 from users;
insert into collections values ('l' || repeat('0', 35), 'o' || repeat('0', 35), '2.shared|iv|mac');
insert into ciphers
  select 'c' || lpad(n::text, 35, '0'), 'u' || lpad((n % 10)::text, 35, '0'), null, 1 + n % 4,
    '2.name' || n || '|iv|mac', null, null, '{"uri":"2.uri|iv|mac","password":"2.pw|iv|mac"}',
    '[]', null, now(), now()
  from generate_series(0, 199) n;
insert into ciphers_collections
  select uuid, 'l' || repeat('0', 35) from ciphers where uuid like '%7';
insert into folders select 'f' || right(uuid, 35), uuid, '2.folder|iv|mac' from users;
insert into folders_ciphers select uuid, 'f' || right(user_uuid, 35) from ciphers;
insert into twofactor
  select 't' || right(uuid, 35), uuid, 0, true, 'totp' from users where uuid like '%1';
