create table realm (id text primary key, name text not null);
create table client (id text primary key, realm_id text not null references realm, client_id text not null);
create table user_entity (id text primary key, realm_id text not null references realm, username text not null);
create table credential (id text primary key, user_id text not null references user_entity, secret_data text not null);
insert into realm values ('r1', 'platform');
insert into client values ('c1', 'r1', 'frontend');
insert into user_entity select 'kc' || n, 'r1', 'user' || n from generate_series(1, 10) n;
insert into credential select 'cr' || n, 'kc' || n, encode(sha256(('pw' || n)::bytea), 'hex') from generate_series(1, 10) n;
