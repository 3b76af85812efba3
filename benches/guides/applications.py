"""The five applications: what is in them, what an hour changes, and the script of the guide."""
import os
import subprocess
from dataclasses import dataclass, field
from typing import Callable


@dataclass
class Application:
    name: str
    role: str
    databases: dict
    files: list
    # The guide's script and restore; $F is the folder of the stage, $HOUR the hour in names.
    script: str
    restore: str
    fill_with: Callable
    change: Callable
    buckets: list = field(default_factory=list)
    roles: list = field(default_factory=list)

    def fill(self, stage, scale):
        self.fill_with(stage, scale)

    def hour(self, stage, hour):
        self.change(stage, hour)


def sql(stage, text, database=None):
    stage.cluster.sql(database or list(stage.application.databases)[0], text)


def put(stage, bucket, key, size, kind):
    stage.server.request("PUT", f"/{bucket}/{key}", os.urandom(size), {"Content-Type": kind})


def chain(table, columns, values, count):
    """Rows of a hash chain, each made by the application's own function."""
    return f"do $$ begin for n in 1..{int(count)} loop perform {table}({values}); end loop; end $$;"


TEXT = "repeat(md5(n::text) || ' ', 6)"

# ---- Documenso


def documenso_documents(stage, first, count):
    for n in range(first, first + count):
        put(stage, "your-documenso-bucket", f"uploads/{n}.pdf", 100_000, "application/pdf")
    sql(
        stage,
        f"""insert into "DocumentData" select 'data' || n, 'S3_PATH', 'uploads/' || n || '.pdf', 'uploads/' || n || '.pdf'
              from generate_series({first}, {first + count - 1}) n;
            insert into "Document" select n, n % 20 + 1, 'Contract ' || n, 'PENDING', 'data' || n
              from generate_series({first}, {first + count - 1}) n;""",
    )


def certificate(passphrase):
    """A key and its certificate in a store that this passphrase opens."""
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=signing", "-keyout", "-"]
    both = subprocess.run(make, check=True, capture_output=True).stdout
    export = ["openssl", "pkcs12", "-export", "-passout", f"pass:{passphrase}"]
    return subprocess.run(export, input=both, check=True, capture_output=True).stdout


def documenso_fill(stage, scale):
    passphrase = os.urandom(12).hex()
    stage.write("opt/documenso/cert.p12", certificate(passphrase))
    stage.write("opt/documenso/.env", f"NEXT_PRIVATE_SIGNING_PASSPHRASE={passphrase}\n")
    documenso_documents(stage, 1, int(300 * scale))
    sql(
        stage,
        f"""insert into "DocumentAuditLog" select gen_random_uuid(), n % {int(300 * scale)} + 1, 'DOCUMENT_OPENED',
              jsonb_build_object('ip', '10.0.0.' || n % 250, 'agent', {TEXT}) from generate_series(1, {int(150000 * scale)}) n""",
    )
    stage.next = int(300 * scale) + 1


def documenso_hour(stage, hour):
    documenso_documents(stage, stage.next, 5)
    stage.next += 5
    sql(
        stage,
        f"""update "User" set name = name || '.' where id % 20 = {hour} % 20;
            insert into "DocumentAuditLog" select gen_random_uuid(), n % 20 + 1, 'DOCUMENT_VIEWED',
              jsonb_build_object('hour', {hour}, 'agent', {TEXT}) from generate_series(1, 500) n;""",
    )


DOCUMENSO = r"""
set -e
RETENTION_DAYS=30
TIMESTAMP=$HOUR
S3_BUCKET="your-documenso-bucket"
mkdir -p "$BACKUP_DIR/$TIMESTAMP"
pg_dump -U documenso -d documenso -F c -f "$BACKUP_DIR/$TIMESTAMP/database.dump"
if [ -f "$F/opt/documenso/cert.p12" ]; then
  cp $F/opt/documenso/cert.p12 "$BACKUP_DIR/$TIMESTAMP/cert.p12"
fi
if [ -n "$S3_BUCKET" ]; then
  aws s3 sync "s3://$S3_BUCKET" "$BACKUP_DIR/$TIMESTAMP/documents/" --quiet
fi
tar -czf "$BACKUP_DIR/documenso_$TIMESTAMP.tar.gz" -C "$BACKUP_DIR" "$TIMESTAMP"
rm -rf "$BACKUP_DIR/$TIMESTAMP"
sha256sum "$BACKUP_DIR/documenso_$TIMESTAMP.tar.gz" > "$BACKUP_DIR/documenso_$TIMESTAMP.sha256"
find "$BACKUP_DIR" -name "documenso_*.tar.gz" -mtime +$RETENTION_DAYS -delete
find "$BACKUP_DIR" -name "documenso_*.sha256" -mtime +$RETENTION_DAYS -delete
"""
DOCUMENSO_RESTORE = r"""
tar -xzf "$BACKUP_DIR/documenso_$HOUR.tar.gz" -C "$F"
pg_restore -U documenso -d documenso -c --if-exists "$F/$HOUR/database.dump"
cp "$F/$HOUR/cert.p12" $F/opt/documenso/cert.p12
chmod 644 $F/opt/documenso/cert.p12
aws s3 sync "$F/$HOUR/documents/" s3://your-documenso-bucket --quiet
"""

# ---- OrthID


def orthid_fill(stage, scale):
    for n in range(5):
        stage.write(f"var/lib/orthid/keystore/field-{n}.key", os.urandom(24).hex())
    orthid_bundles(stage, int(200 * scale))
    sql(
        stage,
        f"""insert into users select n, n % 2 + 1, 'x' || n || '@example.com', encode(sha256(n::text::bytea), 'hex')
              from generate_series(100, {int(20000 * scale)}) n;
            insert into encrypted_fields (tenant_id, user_id, name, key_id, sealed) select 1, 1, 'f', 'field-' || n % 5,
              encode(sha256(n::text::bytea) || sha256((n || 'x')::bytea), 'base64') from generate_series(1, {int(60000 * scale)}) n;
            {chain("add_audit", "", "1, 'event ' || n", 30000 * scale)}""",
    )


def orthid_bundles(stage, count):
    first = getattr(stage, "next", 1)
    stage.next = first + count
    for n in range(first, first + count):
        put(stage, "orthid-au-syd-1", f"bundles/{n}.zip", 100_000, "application/zip")
    sql(
        stage,
        f"""insert into document_bundles (object_key, bytes) select 'bundles/' || n || '.zip', 100000
              from generate_series({first}, {first + count - 1}) n""",
    )


def orthid_hour(stage, hour):
    orthid_bundles(stage, 5)
    sql(
        stage,
        f"""update users set email = email || '.' where id % 100 = {hour};
            {chain("add_audit", "", "2, 'hour " + str(hour) + " event ' || n", 200)}""",
    )


ORTHID = r"""
set -e
pg_dump --format=custom --no-owner --dbname="postgres://orthid_backup@/orthid" --file="$F/orthid-$HOUR.dump"
age -r "$(cat $F/recipient)" -o "$F/orthid-$HOUR.dump.age" "$F/orthid-$HOUR.dump"
aws s3 cp "$F/orthid-$HOUR.dump.age" "s3://guide-backups/$HOUR/" --sse aws:kms --quiet
rm "$F/orthid-$HOUR.dump" "$F/orthid-$HOUR.dump.age"
"""
ORTHID_RESTORE = r"""
aws s3 cp "s3://guide-backups/$HOUR/orthid-$HOUR.dump.age" $F/orthid-backup.dump.age --quiet
age -d -i $F/backup-key.txt $F/orthid-backup.dump.age > $F/orthid-restore.dump
pg_restore --no-owner --clean --if-exists --dbname="postgres://orthid_backup@/orthid" $F/orthid-restore.dump
"""

# ---- Obexal


def obexal_fill(stage, scale):
    stage.write("opt/obexal/.env.prod", "ENCRYPTION_KEY=" + os.urandom(24).hex() + "\n")
    for n in range(20):
        put(stage, "obexal-logos", f"logo-{n}.svg", 20_000, "image/svg+xml")
    count = int(30000 * scale)
    sql(
        stage,
        f"""update tenants set logo_key = 'logo-1.svg';
            insert into accounts select n, n % 2 + 1, 'a' || n || '@example.com' from generate_series(1, {count}) n;
            insert into credentials select n, '$argon2id$v=19$m=8,t=1,p=1$' || encode(sha256(n::text::bytea), 'base64')
              from generate_series(1, {count}) n;
            insert into mfa_secrets select n, 1, encode(sha256((n || 'mfa')::bytea), 'base64') from generate_series(1, {count}) n;
            insert into oidc_keys values ('kid1', 1, 'public', 'sealed');
            {chain("add_audit", "", "'event ' || n", 30000 * scale)}""",
    )


def obexal_hour(stage, hour):
    sql(
        stage,
        f"""update credentials set hash = hash || 'x' where account_id % 100 = {hour};
            insert into accounts select 1000000 + {hour} * 100 + n, 1, 'new{hour}.' || n from generate_series(1, 50) n;
            insert into credentials select 1000000 + {hour} * 100 + n, '$argon2id$new' || n from generate_series(1, 50) n;
            {chain("add_audit", "", "'hour " + str(hour) + " event ' || n", 200)}""",
    )


OBEXAL = r"""
set -e
umask 077
pg_dump "postgres://obexal@/obexal" -F c -f "$BACKUP_DIR/obexal-$HOUR.dump"
find "$BACKUP_DIR" -name "obexal-*.dump" -mtime +14 -delete
"""
OBEXAL_RESTORE = r"""
pg_restore --clean --if-exists -d "postgres://obexal@/obexal" "$BACKUP_DIR/obexal-$HOUR.dump"
"""

# ---- The proof and certificate platform


def platform_proofs(stage, count):
    first = getattr(stage, "next", 1)
    stage.next = first + count
    for n in range(first, first + count):
        put(stage, "proofs", f"{n}.der", 1_500, "application/octet-stream")
        put(stage, "certificates", f"{n}.pdf", 60_000, "application/pdf")
        put(stage, "certificates", f"{n}.json", 400, "application/json")
    sql(
        stage,
        f"""insert into proofs select n, n || '.der', 1500 from generate_series({first}, {first + count - 1}) n;
            insert into certificates select n, n, n || '.pdf', n || '.json' from generate_series({first}, {first + count - 1}) n;
            do $$ begin for n in {first}..{first + count - 1} loop perform add_receipt(n); end loop; end $$;""",
    )


def platform_fill(stage, scale):
    stage.write("srv/platform/.env", "SESSION_SECRET=" + os.urandom(24).hex() + "\n")
    stage.write("srv/platform/nginx/tls/site.key", os.urandom(200))
    stage.write("srv/platform/nginx/site.conf", "server { listen 443 ssl; }\n")
    stage.write("srv/platform/release/sbom.json", "{}\n")
    put(stage, "binaries", "agent", 5_000_000, "application/octet-stream")
    put(stage, "exports", "report.csv", 20_000, "text/csv")
    platform_proofs(stage, int(250 * scale))
    sql(
        stage,
        f"""insert into verification_logs (proof_id) select n % 20 + 1 from generate_series(1, {int(300000 * scale)}) n;
            {chain("add_audit", "", "'event ' || n", 30000 * scale)}""",
    )


def platform_hour(stage, hour):
    platform_proofs(stage, 5)
    sql(
        stage,
        f"""insert into verification_logs (proof_id) select n % 20 + 1 from generate_series(1, 1000) n;
            {chain("add_audit", "", "'hour " + str(hour) + " event ' || n", 200)}""",
    )


PLATFORM = r"""
set -e
pg_dump -U wipe -d wipe -Fc -f $F/wipe-tmp.dump
cp $F/wipe-tmp.dump "$BACKUP_DIR/wipe.dump"
for bucket in proofs certificates binaries exports; do
  aws s3 sync "s3://$bucket" "$BACKUP_DIR/$bucket/" --quiet
done
"""
PLATFORM_RESTORE = r"""
pg_restore -U wipe -d wipe "$BACKUP_DIR/wipe.dump"
for bucket in proofs certificates binaries exports; do
  aws s3 sync "$BACKUP_DIR/$bucket/" "s3://$bucket" --quiet
done
"""

# ---- FirmFlow


def firmflow_documents(stage, count):
    first = getattr(stage, "next", 1)
    stage.next = first + count
    for n in range(first, first + count):
        stage.write(f"opt/firmflow/uploads/client-{n % 10}/{n}.enc", os.urandom(100_000))
    sql(
        stage,
        f"""insert into documents select n, 'Document ' || n, 'client-' || n % 10 || '/' || n || '.enc', 100000
              from generate_series({first}, {first + count - 1}) n;
            insert into document_keys select n, encode(sha256(n::text::bytea), 'base64')
              from generate_series({first}, {first + count - 1}) n;""",
    )


def firmflow_fill(stage, scale):
    stage.write("opt/firmflow/.env", "AUTH_SECRET=" + os.urandom(24).hex() + "\n")
    firmflow_documents(stage, int(500 * scale))
    sql(
        stage,
        f"""insert into licenses (sealed_license) values ('x');
            insert into compliance_records (rule, met) select {TEXT}, true from generate_series(1, {int(100000 * scale)}) n;
            {chain("add_event", "", "'event ' || n, 'secret'", 30000 * scale)}""",
    )


def firmflow_hour(stage, hour):
    firmflow_documents(stage, 5)
    sql(
        stage,
        f"""update compliance_records set met = not met where id % 100 = {hour};
            {chain("add_event", "", "'hour " + str(hour) + " event ' || n, 'secret'", 200)}""",
    )


FIRMFLOW = r"""
DATE=$HOUR
# 1. Back up the Postgres DB
docker compose exec -t db pg_dump -U firmflow -Fc firmflow > $BACKUP_DIR/db_$DATE.dump
# 2. Back up the Vault (rsync for incremental updates)
rsync -aP --delete $F/opt/firmflow/uploads/ $BACKUP_DIR/vault_sync/
# 3. Compress current vault state
tar -czf $BACKUP_DIR/vault_snapshot_$DATE.tar.gz -C $BACKUP_DIR/vault_sync .
# 4. Clean up old backups (keep last 30 days)
find $BACKUP_DIR -name "db_*.dump" -type f -mtime +30 -delete
find $BACKUP_DIR -name "vault_snapshot_*.tar.gz" -type f -mtime +30 -delete
"""
FIRMFLOW_RESTORE = r"""
mkdir -p $F/opt/firmflow/uploads
tar -xzf $BACKUP_DIR/vault_snapshot_$HOUR.tar.gz -C $F/opt/firmflow/uploads
pg_restore -U firmflow -d firmflow $BACKUP_DIR/db_$HOUR.dump
"""


def orthid_start(stage, scale):
    made = os.popen("age-keygen 2>/dev/null").read()
    stage.write("backup-key.txt", made, 0o600)
    stage.write("recipient", [line for line in made.splitlines() if "public key: " in line][0].split(": ")[1])
    orthid_fill(stage, scale)


APPLICATIONS = [
    Application(
        "documenso", "documenso", {"documenso": ["documenso.sql"]}, ["/opt/documenso/cert.p12", "/opt/documenso/.env"],
        DOCUMENSO, DOCUMENSO_RESTORE, documenso_fill, documenso_hour, ["your-documenso-bucket"],
    ),
    Application(
        "orthid", "orthid_backup", {"orthid": ["orthid.sql"]}, ["/var/lib/orthid/keystore"],
        ORTHID, ORTHID_RESTORE, orthid_start, orthid_hour, ["orthid-au-syd-1"], ["orthid"],
    ),
    Application(
        "obexal", "obexal", {"obexal": ["obexal.sql"]}, ["/opt/obexal/.env.prod"],
        OBEXAL, OBEXAL_RESTORE, obexal_fill, obexal_hour, ["obexal-logos"], ["obexal_auditor"],
    ),
    Application(
        "proof-platform", "wipe", {"wipe": ["proof_platform.sql"], "keycloak": ["keycloak.sql"]},
        ["/srv/platform/.env", "/srv/platform/nginx", "/srv/platform/release"],
        PLATFORM, PLATFORM_RESTORE, platform_fill, platform_hour, ["proofs", "certificates", "binaries", "exports"],
    ),
    Application(
        "firmflow", "firmflow", {"firmflow": ["firmflow.sql"]}, ["/opt/firmflow/.env", "/opt/firmflow/uploads"],
        FIRMFLOW, FIRMFLOW_RESTORE, firmflow_fill, firmflow_hour,
    ),
]
