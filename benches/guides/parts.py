"""What the applications stand on: a cluster, an S3 server, and a stage on which both backups play."""
import glob, hashlib, http.client, os, re, shutil, subprocess, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# moto wants to see somebody, and believes everybody.
LOGIN = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


def succeed(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command} exited {done.returncode}:\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done.stdout


class Cluster:
    """A PostgreSQL server without a network, whose folder goes when it does."""

    def __init__(self, scratch):
        self.programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.folder = tempfile.mkdtemp(prefix="holdfast-guides-", dir=scratch)

    def __enter__(self):
        os.chmod(self.folder, 0o711)
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.user:
            shutil.chown(self.folder, "postgres")
        self.server("initdb", "-U", "demo", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        socket = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self.server("pg_ctl", "-w", "-o", socket, "-l", f"{self.folder}/log", "start")
        return self

    def __exit__(self, *_):
        self.server("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def server(self, program, *arguments):
        command = [*self.user, f"{self.programs}/{program}", "-D", f"{self.folder}/data", *arguments]
        # A server that stays would hold a pipe open.
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def environment(self):
        return {"PGHOST": self.folder, "PGUSER": "demo", "PGDATABASE": "postgres"}

    def sql(self, database, sql):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]
        return succeed(command, input=sql.encode(), env={**os.environ, **self.environment()}).decode().strip()


class ObjectServer:
    """moto on a free port."""

    def __enter__(self):
        command = [f"{ROOT}/tests/s3-server"]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.child.stdout.readline())
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()

    def request(self, method, path, body=b"", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, body=body, headers={"Authorization": LOGIN, **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]}")
        return answer, content

    def keys(self, bucket):
        keys, more = [], ""
        while True:
            _, page = self.request("GET", f"/{bucket}?list-type=2{more}")
            keys += re.findall(r"<Key>(.*?)</Key>", page.decode())
            token = re.search(r"<NextContinuationToken>(.*?)</", page.decode())
            if not token:
                return keys
            more = "&continuation-token=" + token.group(1)

    def empty(self, bucket):
        for key in self.keys(bucket):
            self.request("DELETE", f"/{bucket}/{key}")


class Stage:
    """One application, the guide's backup of it and holdfast's."""

    def __init__(self, application, cluster, server, options):
        self.application, self.cluster, self.server = application, cluster, server
        self.binary = os.path.abspath(options.holdfast)
        self.folder = tempfile.mkdtemp(prefix="holdfast-guide-", dir=options.scratch)
        self.last = options.hours - 1
        self.first_hour = int(time.time()) // 3600 * 3600 - (options.hours + 1) * 3600

    def __enter__(self):
        name = self.application.name
        for folder in ("bin", "etc/holdfast", "guide", "home", "state"):
            os.makedirs(self.path(folder))
        self.write("bin/docker", CONTAINERS, 0o755)
        self.write("bin/kubectl", CONTAINERS, 0o755)
        os.symlink(self.binary, self.path("bin/holdfast"))
        role = self.application.role
        self.cluster.sql("postgres", f"create role {role} superuser login")
        for database, files in self.application.databases.items():
            self.cluster.sql("postgres", f"create database {database} owner {role}")
            for file in files:
                schema = open(f"{ROOT}/tests/tests/applications/{file}").read()
                for other in self.application.roles:
                    self.cluster.sql("postgres", f"create role {other} login")
                self.cluster.sql(database, schema)
        for bucket in self.application.buckets + ["guide-backups"]:
            if bucket not in self.server.request("GET", "/")[1].decode():
                self.server.request("PUT", f"/{bucket}")
        self.write_app_file()
        for key in (name, name + "-keys"):
            self.write(f"etc/holdfast/{key}.key", succeed([self.binary, "key", "generate"]), 0o600)
        return self

    def __exit__(self, *_):
        self.destroy()
        for bucket in self.application.buckets + ["guide-backups"]:
            self.server.empty(bucket)
        for role in [self.application.role, *self.application.roles]:
            self.cluster.sql("postgres", f"drop owned by {role}; drop role {role}")
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name.lstrip("/"))

    def write(self, name, content, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(self.path(name), mode)

    def write_app_file(self):
        text = open(f"{ROOT}/docs/applications/{self.application.name}.toml").read()
        text = re.sub(r'(["\' ])(/opt/|/srv/|/mnt/|/var/|/etc/holdfast|/backup)', rf"\1{self.folder}\2", text)
        endpoint = f"http://127.0.0.1:{self.server.port}"
        for place in ("https://your-s3-endpoint.com", "http://localhost:9000"):
            text = text.replace(place, endpoint)
        text = text.replace('region = "ap-southeast-2"', f'endpoint = "{endpoint}"\nregion = "us-east-1"')
        database = list(self.application.databases)[0]
        socket = self.cluster.folder.replace("/", "%2F")
        url = f'url = "postgres://{self.application.role}@/{database}?host={socket}"'
        text = re.sub(r'url = "postgres://.*"', url, text)
        # No web server is started here, and so nobody is asked whether it is well.
        text = re.sub(r"^health = .*$", "", text, flags=re.M)
        for name in re.findall(r'/etc/holdfast/([a-z0-9.-]+\.(?:password|id|secret))"', text):
            self.write(f"etc/holdfast/{name}", "nobody-asks-for-it")
        # What the guide keeps of 24 hours, holdfast keeps too.
        text = re.sub(r"^(hourly = .*\n)?daily = ", "hourly = 48\ndaily = ", text, flags=re.M)
        for repository in re.findall(r'^url = "(/.*)"', text, flags=re.M):
            # A repository is made only in a folder that is there.
            os.makedirs(os.path.dirname(repository), exist_ok=True)
        self.write(f"etc/holdfast/{self.application.name}.toml", text)

    def environment(self, hour=None):
        path = f"{self.path('bin')}:{self.cluster.programs}:{os.environ['PATH']}"
        environment = {**os.environ, **self.cluster.environment(), "PATH": path, "HOME": self.path("home")}
        environment |= {"TZ": "UTC", "F": self.folder, "STATE": self.path("state"), "BACKUP_DIR": self.path("guide")}
        environment |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
        environment |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.port}"}
        environment |= {"HOLDFAST_CACHE_DIR": self.path("cache"), "HOLDFAST_STATE_DIR": self.path("state")}
        environment["HOLDFAST_CONFIG"] = self.path(f"etc/holdfast/{self.application.name}.toml")
        if hour is not None:
            begin = time.strftime("%Y-%m-%d %H:17:00", time.gmtime(self.first_hour + hour * 3600))
            environment |= {"LD_PRELOAD": glob.glob("/usr/lib/*/faketime/libfaketime.so.1")[0], "FAKETIME": "@" + begin}
            environment |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        return environment

    def timed(self, command, **options):
        begin = time.monotonic()
        succeed(command, **options)
        return time.monotonic() - begin

    def script(self, text, hour=None):
        return self.timed(["bash", "-c", text], env=self.environment(hour), cwd=self.folder)

    def guide(self, hour):
        # The name of the hour comes from outside: a false clock would reach aws and rsync too.
        stamp = time.strftime("%Y%m%d-%H%M", time.gmtime(self.first_hour + hour * 3600))
        return self.script(f"HOUR={stamp}\n" + self.application.script)

    def holdfast(self, hour):
        more = ["--init-missing"] if hour == 0 else []
        command = [self.binary, "run", self.application.name, *more]
        return self.timed(command, env=self.environment(hour), cwd=self.folder)

    def guide_restore(self):
        stamp = time.strftime("%Y%m%d-%H%M", time.gmtime(self.first_hour + self.last * 3600))
        for database in self.application.databases:
            self.cluster.sql("postgres", f"create database {database} owner {self.application.role}")
        return self.script(f"HOUR={stamp}\n" + self.application.restore)

    def holdfast_restore(self):
        command = [self.binary, "restore-app", self.application.name, "--confirm"]
        return self.timed(command, env=self.environment(self.last + 1), cwd=self.folder)

    def stored(self):
        guide = size(self.path("guide"))
        for key in self.server.keys("guide-backups"):
            answer, _ = self.server.request("HEAD", f"/guide-backups/{key}")
            guide += int(answer.headers["Content-Length"])
        repositories = re.findall(r'^url = "(/.*)"', open(self.environment()["HOLDFAST_CONFIG"]).read(), flags=re.M)
        return {"guide": guide, "holdfast": sum(size(path) for path in repositories)}

    def state(self):
        """A name and a hash for each table, object and file."""
        found = {}
        for database in self.application.databases:
            tables = self.cluster.sql(database, TABLES)
            for line in self.cluster.sql(database, tables).splitlines():
                name, rows = line.split(" ", 1)
                found[f"table {name}"] = rows
        for bucket in self.application.buckets:
            for key in self.server.keys(bucket):
                answer, content = self.server.request("GET", f"/{bucket}/{key}")
                kind = answer.headers["Content-Type"]
                found[f"object {bucket}/{key}"] = kind + hashlib.sha256(content).hexdigest()
        for file in self.application.files:
            for folder, _, names in os.walk(self.path(file)) if os.path.isdir(self.path(file)) else [("", [], [self.path(file)])]:
                for name in names:
                    path = os.path.join(folder, name)
                    found[f"file {path}"] = hashlib.sha256(open(path, "rb").read()).hexdigest() if os.path.exists(path) else None
        return found

    def differences(self, wanted):
        """What did not come back, in words."""
        found = self.state()
        lost = [name for name, value in wanted.items() if found.get(name) != value]
        kinds = {}
        for name in lost:
            kinds.setdefault(name.split(" ")[0], []).append(name)
        return [f"{len(names)} {kind}{'s' if len(names) > 1 else ''}" for kind, names in kinds.items()]

    def destroy(self):
        for database in self.application.databases:
            self.cluster.sql("postgres", f"drop database if exists {database} with (force)")
        for bucket in self.application.buckets:
            self.server.empty(bucket)
        for file in self.application.files:
            path = self.path(file)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.remove(path)


def size(path):
    total = 0
    for folder, _, names in os.walk(path):
        total += sum(os.path.getsize(os.path.join(folder, name)) for name in names)
    return total


TABLES = """select format('select %L || '' '' || count(*) || '' '' ||
  coalesce(md5(string_agg(md5(t::text), '''' order by md5(t::text))), '''') from %s t;', oid::regclass, oid::regclass)
  from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1"""

CONTAINERS = """#!/bin/sh
# Runs what would run in a container.
while [ $# -gt 0 ]; do
  case $1 in
    exec) shift 3; exec "$@" ;;
    stop | start | scale) exit 0 ;;
    *) shift ;;
  esac
done
"""
