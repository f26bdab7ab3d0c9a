"""A PostgreSQL server of a test's own, on a free loopback port. Standard library and Debian's postgresql package only."""
import atexit
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """Started at once; stop() and start() again keep what it holds. It refuses to run as root, so root lends it to `postgres`."""

    def __init__(self, *settings):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise RuntimeError("PostgreSQL is not installed (Debian package postgresql)")
        self.bin = pathlib.Path(found[-1])
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ctt_postgres_"))
        self.user = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        atexit.register(self.remove)
        subprocess.run([self.bin / "initdb", "--pgdata", self.folder / "data", "--username", "ctt", "--auth", "trust",
                        "--encoding", "UTF8", "--locale", "C", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/", **self.user)
        self.port = free_port()
        # Without fsync: a test stops processes, not the machine.
        self.settings = ["fsync=off", "listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=",
                         "max_connections=100", "shared_buffers=64MB", *settings]
        self.process = None
        self.start()

    @property
    def url(self):
        return f"postgresql://ctt@127.0.0.1:{self.port}/postgres"

    def start(self):
        flags = [flag for setting in self.settings for flag in ("-c", setting)]
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([self.bin / "postgres", "-D", self.folder / "data", *flags], cwd="/", stdout=self.log,
                                        stderr=self.log, start_new_session=True, **self.user)
        end = time.monotonic() + 30
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "ctt", "-d", "postgres"]).returncode != 0:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("PostgreSQL did not start: " + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """SIGINT: ends every session, then itself; SIGQUIT: at once, as a crash would."""
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(timeout=30)
        self.log.close()
        self.process = None

    def sql(self, text):
        """The answer to one query, a line a row."""
        return subprocess.run([self.bin / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", self.url, "-c", text], check=True,
                              capture_output=True, text=True).stdout

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
