//! Objects that work in a live database but cannot be created as a dump has them: they depend on
//! the search path, on a setting, or on rows that do not exist yet.

use holdfast_connect::postgres::{
    DatabaseRestoreOptions, DatabaseRestoreReport, ErrorKind, TableOutcome, preflight, restore,
};

use crate::cluster::{Cluster, installations};
use crate::tree::{PostgresTree, capture, options, server};

fn app(sql: &str) -> (Cluster, PostgresTree) {
    let cluster = Cluster::start(installations().last().unwrap());
    cluster.create("app");
    cluster.sql("app", sql);
    let tree = capture(options(&cluster, "app")).unwrap();
    (cluster, tree)
}

fn target(cluster: &Cluster, name: &str) -> DatabaseRestoreOptions {
    DatabaseRestoreOptions::new(server(cluster, "demo", "postgres"), name, "t1")
}

fn restored(
    cluster: &Cluster,
    tree: &PostgresTree,
    way: &DatabaseRestoreOptions,
) -> DatabaseRestoreReport {
    let report = restore(&tree.stored("app"), way).unwrap();
    for table in &report.tables {
        assert_eq!(table.outcome, TableOutcome::Same, "{}", table.label);
    }
    let left = cluster.sql("postgres", "select datname from pg_database where datname ~ '_hf_';");
    assert_eq!(left, b"");
    report
}

fn text(cluster: &Cluster, database: &str, query: &str) -> String {
    String::from_utf8(cluster.sql(database, &format!("{query};"))).unwrap().trim().to_owned()
}

const UNQUALIFIED: &str = "
create extension cube; create extension earthdistance;
create table place (id int primary key, lat float8, lon float8,
  spot earth generated always as (ll_to_earth(lat, lon)) stored);
insert into place select i, i % 90, i % 180 from generate_series(1, 50) i;
create index place_spot on place using gist (ll_to_earth(lat, lon));
create table zone (name text primary key); insert into zone values ('a');
create function known(n text) returns bool language plpgsql as
  'begin return exists (select 1 from public.zone where name = n); end';
create table sale (id int primary key, item text, zone text check (known(zone)));
insert into sale select i, 'item ' || i % 7, 'a' from generate_series(1, 300) i;
create function plain(text) returns text language sql immutable as 'select lower($1)';
create function short(text) returns text language sql immutable as 'select left(plain($1), 3)';
create index sale_short on sale (short(item));
create function counts() returns table (item text, n bigint) language sql stable as
  'select item, count(*) from sale group by item';
create materialized view totals as select * from counts();
create table log (id int, at text); create trigger log_sale after insert on sale
  for each row execute function suppress_redundant_updates_trigger();
";

/// The trigger would fail at the first row: rows precede triggers, the second time too.
#[test]
fn names_without_schema_are_restored() {
    let trigger = "create function noted() returns trigger language plpgsql as
        'begin insert into log values (new.id); return new; end';
        drop trigger log_sale on sale;
        create trigger log_sale after insert on sale for each row execute function noted();";
    let sql = UNQUALIFIED.replace(
        "; create trigger log_sale after insert on sale\n  for each row execute function \
         suppress_redundant_updates_trigger();",
        ";",
    );
    let trigger = trigger.replace("drop trigger log_sale on sale;", "");
    let (cluster, tree) = app(&format!("{sql}{trigger}"));
    for (name, jobs) in [("one", None), ("several", Some((2, cluster.folder().to_owned())))] {
        let way = DatabaseRestoreOptions { jobs, ..target(&cluster, name) };
        assert_eq!(restored(&cluster, &tree, &way).unmade, []);
        let query = "select (select count(*) from place where spot is not null),
            (select count(*) from sale), (select count(*) from log),
            (select count(*) from pg_indexes where indexname in ('place_spot', 'sale_short')),
            (select sum(n) from totals)";
        assert_eq!(text(&cluster, name, query), "50|300|0|2|300");
    }
}

/// Whatever else asks a function without schemas in its body.
#[test]
fn every_kind_that_depends_on_the_search_path_is_restored() {
    let (cluster, tree) =
        app("create table zone (name text primary key); insert into zone values ('a'), ('b');
         create function known(n text) returns bool language plpgsql as
           'begin return exists (select 1 from zone where name = n); end';
         create function plain(text) returns text language sql immutable as 'select lower($1)';
         create function short(text) returns text language sql immutable as
           'select left(plain($1), 2)';
         create function best() returns text language sql stable as 'select min(name) from zone';
         create domain zoned as text check (known(value));
         create table sale (id int primary key, item text default best(), at zoned);
         insert into sale values (1, 'One', 'a'), (2, 'Two', 'b');
         create index of_part on sale (id) where short(item) = 'on';
         alter table sale add constraint no_two exclude using btree (short(item) with =);
         create statistics of_sale on short(item), id from sale;
         alter table sale enable row level security;
         create policy own on sale using (known(item)) with check (known(at));
         create view seen as select short(item) as item, best() as best from sale;
         create rule kept as on delete to seen where known(old.item) do instead nothing;
         create table part (item text) partition by list (short(item));
         create table part_on partition of part for values in ('on');
         insert into part values ('one'), ('ones');
         create function noted() returns trigger language plpgsql as
           'begin perform known(new.item); return new; end';
         create trigger noted before insert on sale for each row when (known(new.item))
           execute function noted();
         create function longer(text, text) returns text language sql as
           'select max(plain(it)) from unnest(array[$1, $2]) it';
         create aggregate longest (text) (sfunc = longer, stype = text);");
    let report = restored(&cluster, &tree, &target(&cluster, "again"));
    assert_eq!((report.unmade, report.warnings), (vec![], vec![]));
    let query = "select (select count(*) from sale), (select count(*) from part_on),
        (select count(*) from pg_constraint where conname in ('no_two', 'zoned_check')),
        (select count(*) from pg_statistic_ext), (select count(*) from pg_policy),
        (select string_agg(item || best, ' ' order by item) from seen),
        (select count(*) from pg_rules where rulename = 'kept'),
        (select count(*) from pg_trigger where tgname = 'noted'),
        (select longest(item) from sale), (select count(*) from pg_indexes
          where indexname in ('of_part', 'no_two'))";
    assert_eq!(text(&cluster, "again", query), "2|2|2|1|1|ona twa|1|1|two|2");
    let ready = preflight(&options(&cluster, "app")).unwrap();
    assert_eq!(ready.warnings, [""; 0]);
}

/// Made under a search path that one session had: only that is told, when it is captured.
#[test]
fn names_that_no_session_finds_are_reported_at_capture() {
    let (cluster, tree) =
        app("create schema apart; create table apart.rate (id int); create table t (id int);
         insert into apart.rate values (1), (2); insert into t values (1);
         set search_path = apart, public;
         create function public.rates() returns bigint language sql stable as
           'select count(*) from rate';
         create function public.told() returns bigint language sql stable
           set search_path = apart as 'select count(*) from rate';
         create function public.whole() returns bigint language plpgsql stable as
           'declare rates bigint; begin select count(*) into rates from apart.rate;
            return rates; end';
         create materialized view public.lost as select rates() as n;
         create materialized view public.kept as select told() as n, whole() as m;
         create view public.asked as select rates() as n;");
    let warnings = preflight(&options(&cluster, "app")).unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in ["materialized view lost", "rates()", "\"rate\"", "\"apart\""] {
        assert!(warnings[0].contains(part), "{warnings:?}");
    }
    let report = restored(&cluster, &tree, &target(&cluster, "again"));
    let unmade: Vec<&str> = report.unmade.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(unmade, ["MATERIALIZED VIEW DATA public.lost"]);
    // What it says to do helps.
    cluster.sql("app", "alter function rates() set search_path = apart;");
    assert_eq!(preflight(&options(&cluster, "app")).unwrap().warnings, [""; 0]);
    let tree = capture(options(&cluster, "app")).unwrap();
    assert_eq!(restored(&cluster, &tree, &target(&cluster, "mended")).unmade, []);
    assert_eq!(text(&cluster, "mended", "select n from lost"), "2");
}

#[test]
fn an_object_that_cannot_be_made_costs_only_itself() {
    let (cluster, tree) =
        app("create table t (id int primary key); insert into t select generate_series(1, 40);
         set app.once = 'x';
         create materialized view once as select current_setting('app.once') as it;
         create function once(int) returns int language plpgsql immutable as
           'begin perform current_setting(''app.once''); return $1; end';
         create index t_once on t (once(id)); comment on index t_once is 'it';");
    let report = restored(&cluster, &tree, &target(&cluster, "again"));
    let mut unmade: Vec<&str> = report.unmade.iter().map(|it| it.label.as_str()).collect();
    unmade.sort_unstable();
    assert_eq!(
        unmade,
        [
            "COMMENT public.INDEX t_once",
            "INDEX public.t_once",
            "MATERIALIZED VIEW DATA public.once"
        ]
    );
    assert!(report.unmade.iter().any(|it| it.reason.contains("app.once")), "{report:?}");
    assert_eq!(text(&cluster, "again", "select count(*) from t"), "40");
}

#[test]
fn rows_and_boundaries_are_never_left_out() {
    let (cluster, tree) = app("create table t (id int primary key); insert into t values (1);
         create function fine() returns bool language plpgsql as
           'begin return current_setting(''app.once'') is not null; end';
         set app.once = 'x'; alter table t add check (fine());");
    let error = restore(&tree.stored("app"), &target(&cluster, "again")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Statement);
    assert!(error.to_string().contains("table public.t") && error.to_string().contains("app.once"));
    let (cluster, tree) =
        app("create table t (id int primary key); alter table t enable row level security;
         create function mine() returns bool language sql immutable as 'select true';
         create policy own on t using (mine());");
    // The boundary cannot be created: its function is missing from the dump.
    let mut broken = tree.clone();
    let head = broken.0.get_mut("databases/app/archive.head").unwrap();
    let place = head.windows(21).position(|it| it == b"CREATE POLICY own ON ").unwrap();
    head[place..place + 6].copy_from_slice(b"CREATX");
    let error = restore(&broken.stored("app"), &target(&cluster, "again")).unwrap_err();
    assert!(error.to_string().contains("POLICY"), "{error}");
    let left =
        text(&cluster, "postgres", "select count(*) from pg_database where datname ~ 'again'");
    assert_eq!(left, "0");
}

#[test]
fn settings_of_a_database_count_while_it_is_filled() {
    let (cluster, _) = app("create schema tenant;
         alter database app set search_path = tenant, public;
         alter database app set app.region = 'north';
         alter database app set bytea_output = 'escape';
         alter database app set array_nulls = off;
         alter database app set default_transaction_read_only = on;
         alter role demo in database app set work_mem = '7MB';");
    let begin = "set default_transaction_read_only = off; set array_nulls = on;";
    cluster.sql(
        "app",
        &format!(
            "{begin} create table tenant.doc (id int primary key, raw bytea, list text[]);
             insert into doc select i, '\\x00ff', array['a', null, 'NULL']
               from generate_series(1, 20) i;
             create materialized view mine as
               select current_setting('app.region') as region from doc;"
        ),
    );
    let tree = capture(options(&cluster, "app")).unwrap();
    cluster.sql("postgres", "drop database app;");
    for name in ["app", "drill"] {
        let report = restored(&cluster, &tree, &target(&cluster, name));
        assert_eq!((report.unmade, report.warnings), (vec![], vec![]), "{name}");
        let query = "select (select count(*) from mine where region = 'north'), count(*),
            min(list[3]), count(list[2]), min(raw::text), current_setting('work_mem'),
            current_setting('default_transaction_read_only') from doc";
        assert_eq!(text(&cluster, name, query), "20|20|NULL|0|\\000\\377|7MB|on");
    }
}

#[test]
fn settings_that_prevent_connections_do_not_stop_a_restore() {
    let (cluster, tree) = app("create table t (id int primary key); insert into t values (1);
         alter database app set session_preload_libraries = 'auto_explain';");
    let mut broken = tree.clone();
    let head = broken.0.get_mut("databases/app/archive.head").unwrap();
    let place = head.windows(12).position(|it| it == b"auto_explain").unwrap();
    head[place..place + 12].copy_from_slice(b"auto_missing");
    let report = restored(&cluster, &broken, &target(&cluster, "again"));
    assert_eq!(report.tables.len(), 1);
}
